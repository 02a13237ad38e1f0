using System.Text;

namespace Mesh.Spiffe.Tests;

/// <summary>Finds the public conformance vectors, which are not part of the project.</summary>
internal static class VectorFiles
{
    public const string HowToGet =
        "The conformance vectors are not here. Put x509-limbo's limbo-2023-12-02.json (github.com/C2SP/x509-limbo) and, below spiffe-vectors/, the "
        + "testdata of go-spiffe, java-spiffe and py-spiffe into one folder and name it in MESH_VECTORS.";

    public static string? Folder { get; } = Find();

    /// <summary>Skips the test where the vectors are absent.</summary>
    public static string Path(params string[] parts)
    {
        Assert.SkipWhen(Folder is null, HowToGet);
        return System.IO.Path.Combine([Folder!, .. parts]);
    }

    public static byte[] Read(params string[] parts) => File.ReadAllBytes(Path(parts));

    /// <summary>The certificates of a PEM file, or of a file with DER end to end.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Certificates(params string[] parts)
    {
        var bytes = Read(parts);
        return parts[^1].EndsWith(".der", StringComparison.Ordinal) ? SplitDer(bytes) : Pem(Encoding.UTF8.GetString(bytes));
    }

    public static IReadOnlyList<ReadOnlyMemory<byte>> Pem(string text)
    {
        var certificates = new List<ReadOnlyMemory<byte>>();
        ReadOnlySpan<char> rest = text;
        while (System.Security.Cryptography.PemEncoding.TryFind(rest, out var fields))
        {
            if (rest[fields.Label] is "CERTIFICATE")
            {
                certificates.Add(Convert.FromBase64String(rest[fields.Base64Data].ToString()));
            }

            rest = rest[fields.Location.End..];
        }

        return certificates;
    }

    private static List<ReadOnlyMemory<byte>> SplitDer(ReadOnlyMemory<byte> bytes)
    {
        var reader = new System.Formats.Asn1.AsnReader(bytes, System.Formats.Asn1.AsnEncodingRules.DER);
        var certificates = new List<ReadOnlyMemory<byte>>();
        while (reader.HasData)
        {
            certificates.Add(reader.ReadEncodedValue());
        }

        return certificates;
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("MESH_VECTORS") is { Length: > 0 } named)
        {
            return named;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "MeshOrleans.sln")))
            {
                var vectors = System.IO.Path.Combine(folder.FullName, "..", "shared", "vectors");
                return Directory.Exists(vectors) ? vectors : null;
            }
        }

        return null;
    }
}
