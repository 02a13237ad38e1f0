using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Spiffe;

/// <summary>A SPIFFE ID, read strictly: <c>spiffe://TRUST-DOMAIN/PATH</c> (SPIFFE-ID §2).</summary>
public sealed class SpiffeId : IEquatable<SpiffeId>
{
    /// <summary>The longest ID that is accepted or made, in bytes (SPIFFE-ID §2.3).</summary>
    public const int MaxLength = 2048;

    private const string Scheme = "spiffe://";
    private const string ControlPlaneSegment = "mesh";

    private static readonly SearchValues<char> AllowedInSegment =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    private readonly string _text;

    private SpiffeId(TrustDomainName trustDomain, string path)
    {
        TrustDomain = trustDomain;
        Path = path;
        _text = Scheme + trustDomain.Name + path;
        var segments = path.Length == 0 ? [] : path[1..].Split('/');
        IsControlPlane = segments is [ControlPlaneSegment, ..];
        (Role, Namespace, ServiceAccount) = segments switch
        {
            [] => (IdentityRole.TrustDomain, null, null),
            ["ns", var ns, "sa", var account] => (IdentityRole.Workload, ns, account),
            [ControlPlaneSegment, "silo", _] => (IdentityRole.Silo, null, null),
            [ControlPlaneSegment, "proxyhost", _] => (IdentityRole.ProxyHost, null, null),
            _ => (IdentityRole.Other, (string?)null, (string?)null),
        };
        DnsName = IdentityDnsName.Of(trustDomain, _text, segments);
    }

    /// <summary>The trust domain that issued the identity.</summary>
    public TrustDomainName TrustDomain { get; }

    /// <summary>Empty, or a path that starts with a slash.</summary>
    public string Path { get; }

    /// <summary>What the identity stands for.</summary>
    public IdentityRole Role { get; }

    /// <summary>Whether the first segment is <c>mesh</c>, which no attestor and no registration can grant.</summary>
    public bool IsControlPlane { get; }

    /// <summary>The namespace of a workload, else null.</summary>
    public string? Namespace { get; }

    /// <summary>The service account of a workload, else null.</summary>
    public string? ServiceAccount { get; }

    /// <summary>The one DNS SAN and SNI of this identity. It routes, it never identifies.</summary>
    /// <remarks><c>ACCOUNT.NAMESPACE.TD</c>, <c>NAME.silo.mesh.TD</c> or <c>NAME.proxyhost.mesh.TD</c>; whatever is
    /// not lower-case DNS, doesn't fit, or could be mistaken for another identity's name becomes <c>h-</c> and the
    /// base32 of the first 160 bits of the ID's SHA-256, below the trust domain if that is a DNS name.</remarks>
    public string DnsName { get; }

    /// <summary>Reads an ID strictly.</summary>
    /// <exception cref="FormatException">The ID breaks a rule; the message says which.</exception>
    public static SpiffeId Parse(string text) =>
        TryParse(text, out var id, out var error) ? id : throw new FormatException(error);

    /// <summary>Reads an ID strictly; <paramref name="error"/> says what is wrong with it.</summary>
    public static bool TryParse(
        string? text,
        [NotNullWhen(true)] out SpiffeId? id,
        [NotNullWhen(false)] out string? error)
    {
        id = null;
        if (string.IsNullOrEmpty(text))
        {
            error = "The SPIFFE ID is empty.";
            return false;
        }

        if (text.Length > MaxLength)
        {
            error = $"The SPIFFE ID has {text.Length} characters; at most {MaxLength} are accepted.";
            return false;
        }

        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            error = $"The SPIFFE ID must start with '{Scheme}' in lower case.";
            return false;
        }

        var slash = text.IndexOf('/', Scheme.Length);
        var authority = slash < 0 ? text[Scheme.Length..] : text[Scheme.Length..slash];
        var path = slash < 0 ? "" : text[slash..];
        if (!TrustDomainName.TryParse(authority, out var trustDomain, out error))
        {
            return false;
        }

        error = ValidatePath(path);
        if (error is not null)
        {
            return false;
        }

        id = new SpiffeId(trustDomain, path);
        return true;
    }

    /// <summary>The identity of a workload: <c>/ns/NAMESPACE/sa/ACCOUNT</c>.</summary>
    /// <exception cref="FormatException">A part is no valid path segment, or the ID gets too long.</exception>
    public static SpiffeId ForWorkload(TrustDomainName trustDomain, string ns, string serviceAccount) =>
        FromSegments(trustDomain, "ns", ns, "sa", serviceAccount);

    /// <summary>The identity of a silo: <c>/mesh/silo/NAME</c>.</summary>
    /// <exception cref="FormatException">The name is no valid path segment, or the ID gets too long.</exception>
    public static SpiffeId ForSilo(TrustDomainName trustDomain, string name) =>
        FromSegments(trustDomain, ControlPlaneSegment, "silo", name);

    /// <summary>The identity of a ProxyHost: <c>/mesh/proxyhost/NAME</c>.</summary>
    /// <exception cref="FormatException">The name is no valid path segment, or the ID gets too long.</exception>
    public static SpiffeId ForProxyHost(TrustDomainName trustDomain, string name) =>
        FromSegments(trustDomain, ControlPlaneSegment, "proxyhost", name);

    /// <inheritdoc/>
    public override string ToString() => _text;

    /// <inheritdoc/>
    public bool Equals(SpiffeId? other) => other is not null && string.Equals(_text, other._text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SpiffeId);

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(_text, StringComparison.Ordinal);

    /// <summary>Whether both are the same ID.</summary>
    public static bool operator ==(SpiffeId? left, SpiffeId? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether the IDs differ.</summary>
    public static bool operator !=(SpiffeId? left, SpiffeId? right) => !(left == right);

    internal static SpiffeId OfTrustDomain(TrustDomainName trustDomain) => new(trustDomain, "");

    private static SpiffeId FromSegments(TrustDomainName trustDomain, params ReadOnlySpan<string> segments)
    {
        foreach (var segment in segments)
        {
            if (ValidateSegment(segment) is { } error)
            {
                throw new FormatException(error);
            }
        }

        var path = "/" + string.Join('/', segments!);
        var length = Scheme.Length + trustDomain.Name.Length + path.Length;
        return length <= MaxLength
            ? new SpiffeId(trustDomain, path)
            : throw new FormatException($"The SPIFFE ID would have {length} characters; at most {MaxLength} are accepted.");
    }

    private static string? ValidatePath(string path)
    {
        if (path.Length == 0)
        {
            return null;
        }

        foreach (var range in path.AsSpan(1).Split('/'))
        {
            if (ValidateSegment(path.AsSpan(1)[range]) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    private static string? ValidateSegment(ReadOnlySpan<char> segment)
    {
        if (segment.IsEmpty)
        {
            return "The path of the SPIFFE ID has an empty segment or ends with a slash.";
        }

        if (segment is "." or "..")
        {
            return $"The path of the SPIFFE ID has the relative segment '{segment}'.";
        }

        var foreign = segment.IndexOfAnyExcept(AllowedInSegment);
        return foreign < 0
            ? null
            : $"The path of the SPIFFE ID has {Describe.Character(segment[foreign])}; only letters, digits, '.', '-' and '_' may stand there.";
    }
}
