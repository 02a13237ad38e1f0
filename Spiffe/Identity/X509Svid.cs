namespace Mesh.Spiffe;

/// <summary>A chain as a peer sent it and the facts of its leaf. Verified by nobody, and without a key.</summary>
public sealed class X509Svid
{
    private X509Svid(SpiffeId id, ParsedCertificate leaf, IReadOnlyList<ReadOnlyMemory<byte>> chain)
    {
        Id = id;
        Chain = chain;
        InstanceId = leaf.SubjectCommonName;
        NotBefore = leaf.NotBefore;
        NotAfter = leaf.NotAfter;
        SerialNumber = Convert.ToHexStringLower(leaf.SerialNumber.Span);
        KeyHash = leaf.KeyHash;
    }

    /// <summary>The one SPIFFE ID of the leaf.</summary>
    public SpiffeId Id { get; }

    /// <summary>The certificates in DER, leaf first, the rest in no certain order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Chain { get; }

    /// <summary>The common name of the leaf's subject, by which the silo tells instances apart; null if there is none.</summary>
    public string? InstanceId { get; }

    /// <summary>When the leaf's validity begins.</summary>
    public DateTimeOffset NotBefore { get; }

    /// <summary>When the leaf's validity ends.</summary>
    public DateTimeOffset NotAfter { get; }

    /// <summary>The leaf's serial number in lower-case hex.</summary>
    public string SerialNumber { get; }

    /// <summary>The hash of the leaf's public key.</summary>
    public KeyHash KeyHash { get; }

    /// <summary>The leaf in DER.</summary>
    public ReadOnlyMemory<byte> LeafDer => Chain[0];

    /// <summary>Reads a chain, leaf first; the bytes are copied.</summary>
    /// <param name="chainDer">One to eight certificates of at most 16 KiB each.</param>
    /// <exception cref="FormatException">No or too many certificates, one that is not strictly encoded, or a leaf
    /// without exactly one SPIFFE ID.</exception>
    public static X509Svid Parse(IReadOnlyList<ReadOnlyMemory<byte>> chainDer)
    {
        var chain = CertificateParser.ParseChain(chainDer);
        var leaf = chain[0];
        return LeafIdentity.Read(leaf, out var id) is { } refusal
            ? throw new FormatException(refusal.Detail)
            : Of(id!, chain);
    }

    internal static X509Svid Of(SpiffeId id, IReadOnlyList<ParsedCertificate> chain) =>
        new(id, chain[0], [.. chain.Select(certificate => certificate.Der)]);
}
