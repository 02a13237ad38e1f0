using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Spiffe;

/// <summary>The name of a trust domain: what stands between <c>spiffe://</c> and the path (SPIFFE-ID §2.1).</summary>
/// <remarks>1 to 255 bytes of <c>[a-z0-9.-_]</c>; upper case is refused, never folded.</remarks>
public sealed class TrustDomainName : IEquatable<TrustDomainName>
{
    /// <summary>The longest name that the standard allows, in bytes.</summary>
    public const int MaxLength = 255;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-_");

    private TrustDomainName(string name)
    {
        Name = name;
        Id = SpiffeId.OfTrustDomain(this);
    }

    /// <summary>The name itself, for example <c>east.mesh.example</c>.</summary>
    public string Name { get; }

    /// <summary>The trust domain's own SPIFFE ID, which has no path.</summary>
    public SpiffeId Id { get; }

    /// <summary>Reads a name strictly.</summary>
    /// <exception cref="FormatException">The name breaks a rule; the message says which.</exception>
    public static TrustDomainName Parse(string text) =>
        TryParse(text, out var name, out var error) ? name : throw new FormatException(error);

    /// <summary>Reads a name strictly; <paramref name="error"/> says what is wrong with it.</summary>
    public static bool TryParse(
        string? text,
        [NotNullWhen(true)] out TrustDomainName? name,
        [NotNullWhen(false)] out string? error)
    {
        error = Validate(text);
        name = error is null ? new TrustDomainName(text!) : null;
        return error is null;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <inheritdoc/>
    public bool Equals(TrustDomainName? other) => other is not null && string.Equals(Name, other.Name, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TrustDomainName);

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(Name, StringComparison.Ordinal);

    /// <summary>Whether both are the same name.</summary>
    public static bool operator ==(TrustDomainName? left, TrustDomainName? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether the names differ.</summary>
    public static bool operator !=(TrustDomainName? left, TrustDomainName? right) => !(left == right);

    private static string? Validate(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "The trust domain name is empty.";
        }

        if (text.Length > MaxLength)
        {
            return $"The trust domain name has {text.Length} characters; the standard allows {MaxLength}.";
        }

        var foreign = text.AsSpan().IndexOfAnyExcept(Allowed);
        return foreign < 0
            ? null
            : $"The trust domain name has {Describe.Character(text[foreign])} at position {foreign}; only a-z, 0-9, '.', '-' and '_' may stand there.";
    }
}
