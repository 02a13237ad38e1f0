using System.Collections.Immutable;
using Mesh.Grains.Certificates;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>
/// Persisted by <see cref="TrustDomainGrain"/>: everything that a bundle says and what follows from it, public parts alone.
/// Immutable and clock-free. Append new members; never reuse an id.
/// </summary>
[GenerateSerializer, Immutable, Alias("mesh.trust-domain-state")]
internal sealed record TrustDomainState
{
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>Seconds since 1970 at first start × 2²⁰, plus one for each change: no restored or rebuilt trust domain goes back.</summary>
    [Id(1)]
    public long Sequence { get; init; }

    /// <summary>Grows with each change that signers must know of.</summary>
    [Id(2)]
    public long Epoch { get; init; }

    [Id(3)]
    public ImmutableArray<AnchorRecord> Anchors { get; init; } = [];

    [Id(4)]
    public ImmutableArray<IssuerRecord> Issuers { get; init; } = [];

    [Id(5)]
    public BundleSignerRecord? BundleSigner { get; init; }

    [Id(6)]
    public ImmutableArray<TokenKeyRecord> TokenKeys { get; init; } = [];

    [Id(7)]
    public ImmutableArray<RevocationRecord> Revocations { get; init; } = [];

    [Id(8)]
    public ImmutableArray<BanRecord> Bans { get; init; } = [];

    [Id(9)]
    public ImmutableArray<FederatedRecord> Federated { get; init; } = [];

    /// <summary>The bundle of this very sequence, signed; committed with it, so that one sequence has one content.</summary>
    [Id(10)]
    public string SignedBundle { get; init; } = "";

    /// <summary>With <see cref="ForgottenBefore"/>: what a restored backup does not know. See <see cref="HistoryGap"/>.</summary>
    [Id(11)]
    public long ForgottenAfter { get; init; }

    /// <summary>The sequence with which it began after it was restored; 0 where it never was.</summary>
    [Id(12)]
    public long ForgottenBefore { get; init; }

    /// <summary>What was forgotten by a restore; null where nothing was.</summary>
    public HistoryGap? Forgotten => ForgottenBefore == 0 ? null : new HistoryGap(ForgottenAfter, ForgottenBefore);

    /// <summary>Keys that wait for a certificate, since the anchor's key is elsewhere.</summary>
    [Id(13)]
    public ImmutableArray<AuthorityRequestRecord> Requests { get; init; } = [];

    /// <summary>Signs bundles once the anchor that it hangs on has become the only one; certified ahead, since that anchor's key is elsewhere.</summary>
    [Id(14)]
    public BundleSignerRecord? NextBundleSigner { get; init; }

    /// <summary>The first sequence of a trust domain that starts now.</summary>
    public static long FirstSequence(DateTimeOffset now) => now.ToUnixTimeSeconds() << 20;

    /// <summary>When a trust domain started, or was restored, that has this first sequence.</summary>
    public static DateTimeOffset TimeOf(long firstSequence) => DateTimeOffset.FromUnixTimeSeconds(firstSequence >> 20);

    /// <summary>The issuer that signs for a purpose, if there is one.</summary>
    public IssuerRecord? ActiveIssuer(AuthorityPurpose purpose) =>
        Issuers.FirstOrDefault(issuer => issuer.Purpose == purpose && issuer.Stage == IssuerStage.Active);

    /// <summary>The issuer that will sign for a purpose next, certified by an anchor.</summary>
    public IssuerRecord? PreparedIssuer(AuthorityPurpose purpose, KeyHash anchor) =>
        Issuers.FirstOrDefault(issuer => issuer.Purpose == purpose && issuer.Stage == IssuerStage.Prepared && issuer.Anchor == anchor);

    /// <summary>The anchor that signs issuers.</summary>
    public AnchorRecord ActiveAnchor => Anchors.First(anchor => anchor.Stage == AnchorStage.Active);

    /// <summary>The first anchor of a stage, if there is one.</summary>
    public AnchorRecord? Anchor(AnchorStage stage) => Anchors.FirstOrDefault(anchor => anchor.Stage == stage);

    public bool IsRevoked(KeyHash keyHash) => Revocations.Any(revocation => revocation.KeyHash == keyHash);

    /// <summary>The key that waits for a certificate of an anchor, if there is one for that use.</summary>
    public AuthorityRequestRecord? Request(KeyUse use, KeyHash anchor) => Requests.FirstOrDefault(request => request.Use == use && request.Anchor == anchor);

    /// <summary>Whether everything that signs is there: without it no silo has a certificate of its own.</summary>
    public bool CanServe(DateTimeOffset now) =>
        BundleSigner is not null && Enum.GetValues<AuthorityPurpose>().All(purpose => ActiveIssuer(purpose) is { } issuer && now < issuer.NotAfter);

    /// <summary>Every key that it names, whatever it is for.</summary>
    public IReadOnlySet<KeyHash> Keys() => (HashSet<KeyHash>)
    [
        .. Anchors.Select(anchor => anchor.KeyHash),
        .. Issuers.Select(issuer => issuer.KeyHash),
        .. TokenKeys.Select(key => key.KeyHash),
        .. Requests.Select(request => request.KeyHash),
        .. new[] { BundleSigner, NextBundleSigner }.OfType<BundleSignerRecord>().Select(signer => signer.KeyHash),
    ];

    /// <summary>What proxies are told.</summary>
    public TrustBundle ToBundle(DateTimeOffset now) => new()
    {
        TrustDomain = TrustDomainName.Parse(Name),
        Sequence = Sequence,
        Epoch = Epoch,
        SignedAt = now,
        Anchors = [.. Anchors.Select(anchor => new TrustAnchor(anchor.Certificate, anchor.KeyHash, anchor.Stage))],
        ControlPlaneIssuers = [.. Issuers.Where(issuer => issuer.Purpose == AuthorityPurpose.ControlPlane).Select(issuer => issuer.KeyHash)],
        TokenKeys = [.. TokenKeys.Select(key => new TokenKey(key.KeyId, key.SubjectPublicKeyInfo))],
        Revocations = [.. Revocations.Select(revocation =>
            new Revocation(revocation.KeyHash, revocation.RevokedAt, revocation.AuthorityNotAfter, revocation.Reason))],
        Bans = [.. Bans.Select(ban => new IdentityBan(ban.Id, ban.IssuedBefore))],
        Forgotten = Forgotten,
        Federated = [],
    };
}
