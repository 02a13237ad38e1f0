using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>A JWS that was split, and verified by nobody until <see cref="Verify"/> says so.</summary>
public sealed class JwsMessage
{
    internal const int Es256SignatureBytes = 64;
    private const int MaxMemberChars = 256;
    private const int MaxCertificates = 8;

    private readonly byte[] _signingInput;
    private readonly byte[] _signature;

    private JwsMessage(
        string algorithm,
        string? type,
        string? keyId,
        IReadOnlyList<ReadOnlyMemory<byte>> certificates,
        byte[] payload,
        byte[] signingInput,
        byte[] signature)
    {
        Algorithm = algorithm;
        Type = type;
        KeyId = keyId;
        Certificates = certificates;
        Payload = payload;
        _signingInput = signingInput;
        _signature = signature;
    }

    /// <summary>What the header's <c>alg</c> says; to be compared, never to be obeyed.</summary>
    public string Algorithm { get; }

    /// <summary>The header's <c>typ</c>.</summary>
    public string? Type { get; }

    /// <summary>The header's <c>kid</c>.</summary>
    public string? KeyId { get; }

    /// <summary>The header's <c>x5c</c> in DER; empty where absent.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Certificates { get; }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>Whether the key signed this with ES256; false for every other algorithm and for keys that are not on P-256.</summary>
    /// <param name="subjectPublicKeyInfo">The signer's public key, DER.</param>
    public bool Verify(ReadOnlyMemory<byte> subjectPublicKeyInfo)
    {
        if (Algorithm != CompactJws.Es256 || _signature.Length != Es256SignatureBytes)
        {
            return false;
        }

        using var key = PublicKeys.ImportEcdsa(subjectPublicKeyInfo, out _);
        return key is { KeySize: 256 } && key.VerifyData(_signingInput, _signature, HashAlgorithmName.SHA256);
    }

    internal static JwsMessage Read(byte[] header, byte[] payload, byte[] signingInput, byte[] signature)
    {
        using var document = StrictJson.Parse(header, "header of the JWS");
        var members = StrictJson.Object(document.RootElement, "header of the JWS");
        if (members.Has("crit"))
        {
            throw new FormatException("The header of the JWS demands extensions ('crit'), and none is known here.");
        }

        var certificates = members.Has("x5c")
            ? members.Array("x5c", MaxCertificates, (element, name) => (ReadOnlyMemory<byte>)StrictJson.Base64(element, name, SvidProfile.MaxCertificateBytes))
            : [];
        return new JwsMessage(
            members.String("alg", MaxMemberChars),
            members.OptionalString("typ", MaxMemberChars),
            members.OptionalString("kid", MaxMemberChars),
            certificates,
            payload,
            signingInput,
            signature);
    }
}
