using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>The member <c>keys</c> of a SPIFFE bundle (SPIFFE Trust Domain and Bundle §4.1, §4.2).</summary>
internal static class JsonWebKeys
{
    private const string X509Use = "x509-svid";
    private const string JwtUse = "jwt-svid";
    private const int MaxMemberChars = 256;

    public static void Write(Utf8JsonWriter writer, IReadOnlyList<TrustAnchor> anchors)
    {
        writer.WriteStartArray("keys");
        foreach (var anchor in anchors)
        {
            writer.WriteStartObject();
            writer.WriteString("use", X509Use);
            WriteKey(writer, anchor);
            writer.WriteStartArray("x5c");
            writer.WriteBase64StringValue(anchor.CertificateDer.Span);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>The X.509 authorities, all of them taken for active.</summary>
    public static IReadOnlyList<TrustAnchor> Read(JsonMembers bundle)
    {
        var anchors = bundle
            .Array("keys", TrustBundleJson.MaxKeys, (element, name) => ReadKey(StrictJson.Object(element, name)))
            .OfType<TrustAnchor>()
            .ToList();
        return anchors.DistinctBy(anchor => anchor.KeyHash).Count() == anchors.Count
            ? anchors
            : throw new FormatException("The 'keys' of the bundle have one key twice.");
    }

    private static TrustAnchor? ReadKey(JsonMembers key)
    {
        var use = key.OptionalString("use", MaxMemberChars);
        var type = key.OptionalString("kty", MaxMemberChars);
        if (use is not (X509Use or JwtUse) || type is not ("EC" or "RSA"))
        {
            return null;
        }

        if (use is JwtUse)
        {
            return key.String("kid", MaxMemberChars).Length > 0
                ? null
                : throw new FormatException($"The 'kid' of the {key.Path} is empty.");
        }

        // X509-SVID §6.2: an entry without a certificate is passed over. One with several is refused, as go-spiffe does: its
        // publisher broke §6.1, and whoever takes the first would trust less than was meant, in silence.
        if (!key.Has("x5c"))
        {
            return null;
        }

        var certificates = key.Array("x5c", 8, (element, name) => StrictJson.Base64(element, name, SvidProfile.MaxCertificateBytes));
        if (certificates.Count == 0)
        {
            return null;
        }

        if (certificates.Count > 1)
        {
            throw new FormatException($"The 'x5c' of the {key.Path} has {certificates.Count} certificates; it must have one.");
        }

        try
        {
            return TrustAnchor.FromCertificate(certificates[0], AnchorStage.Active);
        }
        catch (FormatException exception)
        {
            throw new FormatException($"The 'x5c' of the {key.Path}: {exception.Message}", exception);
        }
    }

    private static void WriteKey(Utf8JsonWriter writer, TrustAnchor anchor)
    {
        var publicKey = CertificateParser.Parse(anchor.CertificateDer).SubjectPublicKeyInfo;
        using var ecdsa = PublicKeys.ImportEcdsa(publicKey, out _);
        if (ecdsa is not null)
        {
            var parameters = ecdsa.ExportParameters(includePrivateParameters: false);
            writer.WriteString("kty", "EC");
            writer.WriteString("crv", $"P-{ecdsa.KeySize}");
            writer.WriteString("x", StrictBase64Url.Encode(parameters.Q.X));
            writer.WriteString("y", StrictBase64Url.Encode(parameters.Q.Y));
            return;
        }

        using var rsa = PublicKeys.ImportRsa(publicKey, out var weakness)
            ?? throw new ArgumentException($"An anchor with the key {anchor.KeyHash} can't be published: {weakness}.");
        var numbers = rsa.ExportParameters(includePrivateParameters: false);
        writer.WriteString("kty", "RSA");
        writer.WriteString("n", StrictBase64Url.Encode(numbers.Modulus));
        writer.WriteString("e", StrictBase64Url.Encode(numbers.Exponent));
    }
}
