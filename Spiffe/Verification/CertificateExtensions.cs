namespace Mesh.Spiffe;

/// <summary>The extensions that path validation knows; null where absent (RFC 5280 §4.2).</summary>
internal sealed record CertificateExtensions
{
    public static readonly CertificateExtensions None = new();

    public BasicConstraints? BasicConstraints { get; init; }

    public KeyUsage? KeyUsage { get; init; }

    /// <summary>The object identifiers of the extended key usage.</summary>
    public IReadOnlyList<string>? ExtendedKeyUsage { get; init; }

    public AlternativeNames? AlternativeNames { get; init; }

    public NameConstraints? NameConstraints { get; init; }

    public ReadOnlyMemory<byte>? SubjectKeyIdentifier { get; init; }

    public ReadOnlyMemory<byte>? AuthorityKeyIdentifier { get; init; }

    /// <summary>The object identifiers of critical extensions that nobody here understands.</summary>
    public IReadOnlyList<string> UnknownCritical { get; init; } = [];

    public bool IsAuthority => BasicConstraints is { IsAuthority: true };
}

/// <summary>RFC 5280 §4.2.1.9.</summary>
internal sealed record BasicConstraints(bool Critical, bool IsAuthority, int? PathLength);

/// <summary>RFC 5280 §4.2.1.3, as far as it matters here.</summary>
internal sealed record KeyUsage(bool Critical, bool DigitalSignature, bool KeyCertSign, bool CrlSign);

/// <summary>RFC 5280 §4.2.1.6.</summary>
internal sealed record AlternativeNames(bool Critical, IReadOnlyList<GeneralName> Names)
{
    public IReadOnlyList<string> Uris { get; } =
        [.. Names.Where(name => name.Kind is GeneralNameKind.Uri).Select(name => name.Text)];
}
