using System.Collections.Immutable;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.Issuers;

/// <summary>
/// Persisted by <see cref="IssuerGrain"/>: what the trust domain last assigned to each slot. Immutable and clock-free. Append
/// new members; never reuse an id.
/// </summary>
[GenerateSerializer, Immutable, Alias("mesh.issuer-state")]
internal sealed record IssuerState
{
    /// <summary>The trust epoch that the slots belong to.</summary>
    [Id(0)]
    public long Epoch { get; init; }

    [Id(1)]
    public IssuerSlot? Prepared { get; init; }

    [Id(2)]
    public IssuerSlot? Active { get; init; }

    [Id(3)]
    public ImmutableArray<IssuerSlot> Retired { get; init; } = [];

    /// <summary>The bundle of that epoch.</summary>
    [Id(4)]
    public string SignedBundle { get; init; } = "";

    /// <summary>The slots as the trust domain has them; the same state where it knows nothing newer.</summary>
    public IssuerState Reconciled(TrustDomainStatus trust, string purpose)
    {
        if (trust.Epoch <= Epoch)
        {
            return this;
        }

        var mine = trust.Issuers.Where(issuer => issuer.Purpose == purpose).ToList();
        return new IssuerState
        {
            Epoch = trust.Epoch,
            Prepared = Slot("prepared"),
            Active = Slot("active"),
            Retired = [.. mine.Where(issuer => issuer.Stage == "retiring").Select(ToSlot)],
            SignedBundle = trust.SignedBundle,
        };

        IssuerSlot? Slot(string stage) => mine.FirstOrDefault(issuer => issuer.Stage == stage) is { } found ? ToSlot(found) : null;
    }

    private static IssuerSlot ToSlot(AuthorityStatus issuer) => new(issuer.KeyHash, issuer.Certificate);
}

/// <summary>One issuer's public part.</summary>
[GenerateSerializer, Immutable, Alias("mesh.issuer-slot")]
internal sealed record IssuerSlot(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] ReadOnlyMemory<byte> Certificate);
