namespace Mesh.Spiffe;

/// <summary>The fields of one certificate, read strictly and judged by nobody (RFC 5280 §4.1).</summary>
internal sealed record ParsedCertificate
{
    public required ReadOnlyMemory<byte> Der { get; init; }

    /// <summary>What the issuer signed: the TBSCertificate as it was encoded.</summary>
    public required ReadOnlyMemory<byte> ToBeSigned { get; init; }

    /// <summary>1 or 3.</summary>
    public required int Version { get; init; }

    /// <summary>The contents of the INTEGER, most significant byte first.</summary>
    public required ReadOnlyMemory<byte> SerialNumber { get; init; }

    /// <summary>The AlgorithmIdentifier, the same inside and outside the signed part.</summary>
    public required ReadOnlyMemory<byte> SignatureAlgorithm { get; init; }

    public required ReadOnlyMemory<byte> Signature { get; init; }

    /// <summary>The issuer's Name as it was encoded; never empty.</summary>
    public required ReadOnlyMemory<byte> Issuer { get; init; }

    /// <summary>The subject's Name as it was encoded.</summary>
    public required ReadOnlyMemory<byte> Subject { get; init; }

    public required string? SubjectCommonName { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    public required ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; init; }

    public required KeyHash KeyHash { get; init; }

    public required CertificateExtensions Extensions { get; init; }

    public bool HasEmptySubject => Subject.Length == 2;

    /// <summary>Issuer and subject are the same name (RFC 5280 §6.1: "self-issued").</summary>
    public bool IsSelfIssued => Issuer.Span.SequenceEqual(Subject.Span);

    /// <summary>How messages name the certificate.</summary>
    public string Label =>
        SubjectCommonName is { } name
            ? $"{Describe.Text(name)} (key {KeyHash.ToString()[..16]}…)"
            : $"with the key {KeyHash.ToString()[..16]}…";
}
