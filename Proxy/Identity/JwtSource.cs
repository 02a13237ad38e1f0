using System.Text;
using Google.Protobuf;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Identity;

/// <summary>A file with a JWT that somebody else keeps current, as the kubelet does. It says nothing of the mesh, so the options do.</summary>
/// <param name="jwtFile">At most 8 KiB.</param>
/// <param name="id">The identity that the JWT is for.</param>
/// <param name="anchors">What first contact may trust, where no file says so.</param>
/// <param name="bundleFile">The trust bundle, as <c>mesh trust bundle</c> prints it; null: none.</param>
internal sealed class JwtSource(string jwtFile, SpiffeId id, IReadOnlyList<KeyHash> anchors, string? bundleFile) : IEnrollmentSource
{
    public EnrollmentTicket Read()
    {
        var jwt = Encoding.UTF8.GetString(ReadFile(jwtFile, OidcToken.MaxChars)).Trim();
        return new EnrollmentTicket(
            id, bundleFile is null ? anchors : AnchorsOf(bundleFile), [], csr => new EnrollRequest { Jwt = jwt, Csr = ByteString.CopyFrom(csr) });
    }

    public void Refused()
    {
        // Whoever writes the file will write the next one.
    }

    private IReadOnlyList<KeyHash> AnchorsOf(string file)
    {
        var bundle = TrustBundleJson.Read(ReadFile(file, TrustBundleJson.MaxBytes));
        return bundle.TrustDomain == id.TrustDomain
            ? [.. bundle.Anchors.Select(anchor => anchor.KeyHash)]
            : throw new FormatException($"{file} is the trust bundle of {bundle.TrustDomain}, and this proxy is to be {id}.");
    }

    private static byte[] ReadFile(string path, int maxBytes)
    {
        using var file = File.OpenRead(path);
        var content = new byte[maxBytes + 1];
        var length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return length <= maxBytes ? content[..length] : throw new IOException($"{path} has more than {maxBytes} bytes.");
    }
}
