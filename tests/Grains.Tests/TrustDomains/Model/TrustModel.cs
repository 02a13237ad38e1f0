using System.Security.Cryptography;
using Mesh.Grains.Certificates;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.TrustDomains.Model;

/// <summary>
/// What must hold of a trust domain, said without its rules: it sees the states that were stored and the leaves that were signed, and
/// judges them by a table of stages, by the verifier, and by what each proxy may hold.
/// </summary>
internal sealed class TrustModel(TimeProvider clock, TimeSpan publishFor)
{
    private static readonly byte[] SharedLeafKey = CreateLeafKey();

    private readonly SvidVerifier _verifier = new(clock, TimeSpan.Zero);
    private readonly List<Version> _versions = [];
    private readonly Dictionary<KeyHash, string> _anchors = [];
    private readonly Dictionary<KeyHash, string> _issuers = [];
    private readonly HashSet<KeyHash> _revoked = [];
    private readonly HashSet<KeyHash> _unpublished = [];
    private readonly List<Leaf> _leaves = [];
    private readonly BanModel _bans = new();

    public static ReadOnlySpan<byte> LeafKey => SharedLeafKey;

    /// <summary>What was in force at a time.</summary>
    public TrustDomainState AsOf(DateTimeOffset time) => (_versions.FindLast(version => version.At <= time) ?? _versions[0]).State;

    public void Issued(SpiffeId id, IssuerRecord issuer, IReadOnlyList<ReadOnlyMemory<byte>> chain, DateTimeOffset notAfter)
    {
        Assert.True(notAfter <= issuer.NotAfter, "A leaf outlives its issuer.");
        _leaves.Add(new Leaf(id, issuer, chain, clock.GetUtcNow(), notAfter));
    }

    public void Stored(TrustDomainState state, TrustEvent cause)
    {
        var version = new Version(state, SignedBundle.Parse(state.SignedBundle), clock.GetUtcNow(), cause);
        if (_versions.Count > 0)
        {
            Assert.Equal(_versions[^1].State.Sequence + 1, state.Sequence);
            CheckAuthorities(state, cause);
            CheckSuccession(version);
        }

        foreach (var (held, stages) in new[]
        {
            (_anchors, state.Anchors.ToDictionary(anchor => anchor.KeyHash, anchor => anchor.Stage.ToString())),
            (_issuers, state.Issuers.ToDictionary(issuer => issuer.KeyHash, issuer => issuer.Stage.ToString())),
        })
        {
            held.Keys.Except(stages.Keys).ToList().ForEach(gone => held[gone] = StageTable.Gone);
            stages.ToList().ForEach(now => held[now.Key] = now.Value);
        }

        _revoked.UnionWith(state.Revocations.Select(revocation => revocation.KeyHash));
        _bans.Stored(state.Bans, clock.GetUtcNow());
        _versions.Add(version);
    }

    /// <summary>The record of leaves that have not ended, by issuer.</summary>
    public Dictionary<KeyHash, int> Live() => _leaves.Where(leaf => leaf.NotAfter >= clock.GetUtcNow()).CountBy(leaf => leaf.Issuer.KeyHash).ToDictionary();

    /// <summary>Every leaf under every bundle that a proxy may hold now.</summary>
    public void Check()
    {
        var now = clock.GetUtcNow();
        _leaves.RemoveAll(leaf => leaf.NotAfter < now);
        var newest = _versions[^1];
        var mayBeHeld = _versions.SkipWhile((_, i) => i + 1 < _versions.Count && _versions[i + 1].At <= now - publishFor).ToList();
        foreach (var leaf in _leaves)
        {
            var isRevoked = _revoked.Contains(leaf.Issuer.KeyHash) || _revoked.Contains(leaf.Issuer.Anchor);
            if (isRevoked || _bans.MustRefuse(leaf.Id, leaf.IssuedAt))
            {
                Assert.False(Verify(leaf, newest).IsValid, $"A leaf of {leaf.Id} is void, and verifies.");
            }
            else if (!_bans.MayRefuse(leaf.Id, leaf.IssuedAt))
            {
                Assert.All(mayBeHeld.Where(held => held == newest || Knows(held, leaf)), held => Assert.True(
                    Verify(leaf, held).IsValid, $"A leaf of {leaf.Id} is refused under bundle {held.Number(_versions[0])}: {Verify(leaf, held).Detail}"));
            }
        }
    }

    // What stands in for something void was not published first; whoever has not heard of it yet refuses it. So it is when a ban is lifted.
    private bool Knows(Version held, Leaf leaf) => !held.State.Bans.Any(ban => ban.Id == leaf.Id && ban.Stands) && IsNamedIn(held, leaf);

    private bool IsNamedIn(Version held, Leaf leaf) => !_unpublished.Contains(leaf.Issuer.KeyHash)
        || (held.State.Anchors.Any(anchor => anchor.KeyHash == leaf.Issuer.Anchor)
            && (leaf.Issuer.Purpose == AuthorityPurpose.Workload || held.State.Issuers.Any(issuer => issuer.KeyHash == leaf.Issuer.KeyHash)));

    private SvidVerification Verify(Leaf leaf, Version held) => _verifier.Verify(leaf.Chain, held.Bundle.Bundle, leaf.Id);

    private void CheckAuthorities(TrustDomainState state, TrustEvent cause)
    {
        var now = clock.GetUtcNow();
        var active = Assert.Single(state.Anchors, anchor => anchor.Stage == AnchorStage.Active);
        Assert.All(Enum.GetValues<AuthorityPurpose>(), purpose => Assert.Equal(
            active.KeyHash, Assert.Single(state.Issuers, issuer => issuer.Purpose == purpose && issuer.Stage == IssuerStage.Active).Anchor));
        Assert.True(_revoked.IsSubsetOf(state.Revocations.Select(revocation => revocation.KeyHash)), "A revocation was forgotten.");
        var named = state.Anchors.Select(anchor => anchor.KeyHash).Concat(state.Issuers.Select(issuer => issuer.KeyHash)).Append(state.BundleSigner!.KeyHash).ToList();
        Assert.DoesNotContain(state.Revocations, revocation => named.Contains(revocation.KeyHash));

        foreach (var key in _anchors.Keys.Union(state.Anchors.Select(anchor => anchor.KeyHash)))
        {
            var (from, to) = (_anchors.GetValueOrDefault(key, StageTable.Absent), state.Anchors.FirstOrDefault(anchor => anchor.KeyHash == key)?.Stage.ToString() ?? StageTable.Gone);
            Assert.True(StageTable.AllowsAnchor(from, to, cause), $"An anchor went from {from} to {to} by {cause}.");
        }

        foreach (var key in _issuers.Keys.Union(state.Issuers.Select(issuer => issuer.KeyHash)))
        {
            var issuer = state.Issuers.FirstOrDefault(issuer => issuer.KeyHash == key);
            var (from, to) = (_issuers.GetValueOrDefault(key, StageTable.Absent), issuer?.Stage.ToString() ?? StageTable.Gone);
            Assert.True(StageTable.AllowsIssuer(from, to, cause), $"An issuer went from {from} to {to} by {cause}.");
            Assert.True(issuer is null || issuer.NotAfter <= state.Anchors.Single(anchor => anchor.KeyHash == issuer.Anchor).NotAfter, "An issuer outlives its anchor.");
            Assert.False(
                from == "Retiring" && to == StageTable.Gone && (cause is TrustEvent.Tick or TrustEvent.RetireAnchor) && _leaves.Exists(leaf => leaf.Issuer.KeyHash == key && leaf.NotAfter >= now),
                "An issuer was forgotten while leaves of it are good.");
            if (to == "Active" && from != to)
            {
                CheckPublished(issuer!, cause, now);
            }
        }
    }

    private void CheckPublished(IssuerRecord issuer, TrustEvent cause, DateTimeOffset now)
    {
        if (AsOf(now - publishFor).Issuers.Any(known => known.KeyHash == issuer.KeyHash))
        {
            return;
        }

        _unpublished.Add(issuer.KeyHash);
        var predecessor = _versions[^1].State.ActiveIssuer(issuer.Purpose)!;
        Assert.True(
            cause is TrustEvent.RevokeAnchor or TrustEvent.RevokeIssuer
            || (cause == TrustEvent.RotateIssuer && issuer.Purpose == AuthorityPurpose.Workload)
            || predecessor.NotAfter <= now,
            $"A {issuer.Purpose} issuer signs by {cause}, and was not published first.");
    }

    // The bundle before it must always be followed; one that a proxy with a live leaf may hold, unless an anchor was thrown out since.
    private void CheckSuccession(Version next)
    {
        next.Bundle.VerifySuccessor(_versions[^1].Bundle.Bundle, next.At);
        var since = next.At - TrustMachine.LeafLife;
        for (var i = _versions.Count - 1; i > 0 && _versions[i].At >= since && _versions[i].Cause != TrustEvent.RevokeAnchor && next.Cause != TrustEvent.RevokeAnchor; i--)
        {
            next.Bundle.VerifySuccessor(_versions[i - 1].Bundle.Bundle, next.At);
        }
    }

    private static byte[] CreateLeafKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportSubjectPublicKeyInfo();
    }

    private sealed record Leaf(SpiffeId Id, IssuerRecord Issuer, IReadOnlyList<ReadOnlyMemory<byte>> Chain, DateTimeOffset IssuedAt, DateTimeOffset NotAfter);

    private sealed record Version(TrustDomainState State, SignedBundle Bundle, DateTimeOffset At, TrustEvent Cause)
    {
        public long Number(Version first) => State.Sequence - first.State.Sequence;
    }
}
