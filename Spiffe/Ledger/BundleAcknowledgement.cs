using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>A proxy's word that a bundle is in force at it, signed with the key of its leaf.</summary>
/// <param name="InstanceId">The instance that says so.</param>
/// <param name="Sequence">The bundle's sequence.</param>
/// <param name="Digest">SHA-256 of the signed bundle's text, lower-case hex: one sequence has one content.</param>
/// <param name="InForceAt">Since when, by the proxy's clock; whole seconds.</param>
/// <param name="ConnectionsClosed">Connections that it has ended so far because a bundle had voided their peer's certificate.</param>
public sealed record BundleAcknowledgement(string InstanceId, long Sequence, string Digest, DateTimeOffset InForceAt, long ConnectionsClosed)
{
    /// <summary>The longest text that is read.</summary>
    public const int MaxChars = 1024;

    private const string Type = "mesh-ack+jws";
    private const string Name = "acknowledgement";

    /// <summary>The digest of a signed bundle.</summary>
    public static string DigestOf(string signedBundle) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(signedBundle)));

    /// <summary>Signs it, as a compact JWS.</summary>
    /// <exception cref="ArgumentException">The credential's key is not on P-256.</exception>
    public string Sign(SvidCredential credential)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("sub", InstanceId);
            writer.WriteNumber("seq", Sequence);
            writer.WriteString("digest", Digest);
            writer.WriteNumber("iat", InForceAt.ToUnixTimeSeconds());
            writer.WriteNumber("closed", ConnectionsClosed);
            writer.WriteEndObject();
        }

        return CompactJws.Sign(Type, stream.ToArray(), credential);
    }

    /// <summary>Reads one that must be signed with the key of a leaf. Whether that leaf is good, or of that instance, is for the caller.</summary>
    /// <param name="jws">At most <see cref="MaxChars"/> characters.</param>
    /// <param name="leafDer">The leaf, DER; it may have ended or stand under a revoked issuer.</param>
    /// <exception cref="FormatException">It is no acknowledgement, or another key signed it.</exception>
    public static BundleAcknowledgement Verify(string jws, ReadOnlyMemory<byte> leafDer)
    {
        var message = CompactJws.Parse(jws, MaxChars);
        if (message.Algorithm != CompactJws.Es256 || message.Type != Type || !message.Verify(CertificateParser.Parse(leafDer).SubjectPublicKeyInfo))
        {
            throw new FormatException($"The {Name} is not signed with {CompactJws.Es256} by the leaf's key.");
        }

        using var document = StrictJson.Parse(message.Payload.Span, Name);
        var members = StrictJson.Object(document.RootElement, Name);
        var digest = members.String("digest", 64);
        return KeyHash.TryParse(digest, out _)
            ? new BundleAcknowledgement(
                members.String("sub", 64), members.Number("seq"), digest, DateTimeOffset.FromUnixTimeSeconds(Math.Min(members.Number("iat"), 253_402_300_799)), members.Number("closed"))
            : throw new FormatException($"The digest of the {Name} is not 64 lower-case hex digits.");
    }
}
