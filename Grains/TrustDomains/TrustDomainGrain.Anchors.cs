using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>The anchor: changed step by step, or revoked.</summary>
internal sealed partial class TrustDomainGrain
{
    public async Task<TrustSnapshot> StartAnchorRotationAsync(ReadOnlyMemory<byte> certificate, bool useStandby)
    {
        if ((Committed.Anchor(AnchorStage.Prepared) ?? Committed.Anchor(AnchorStage.Retiring)) is { } other)
        {
            throw new MeshException(
                MeshError.Conflict, $"A rotation is under way: anchor {Short(other.KeyHash)} is {Word(other.Stage)}. Finish it, or abort it, first.");
        }

        await CommitAsync(await rotator.StartAnchorAsync(Committed, GivenAnchor(certificate, useStandby), CancellationToken.None));
        await RotateAsync();
        return Snapshot(Committed);
    }

    public async Task<TrustSnapshot> ActivateAnchorAsync()
    {
        var prepared = Committed.Anchor(AnchorStage.Prepared)
            ?? throw new MeshException(MeshError.Conflict, "No anchor is prepared. Start a rotation first.");
        foreach (var purpose in Enum.GetValues<AuthorityPurpose>())
        {
            if (Committed.PreparedIssuer(purpose, prepared.KeyHash) is not { } issuer || issuer.NotAfter <= clock.GetUtcNow())
            {
                OfflineAnchor.RefuseUncertified(prepared, purpose);
                throw new MeshException(
                    MeshError.Conflict, $"The {purpose.Word()} issuer that was prepared under it has ended or was revoked. Abort this rotation and start another.");
            }
        }

        await CommitAsync(rotator.ActivateAnchor(Committed, prepared));
        await NudgeAllAsync();
        await RotateAsync();
        return Snapshot(Committed);
    }

    public async Task<TrustSnapshot> AbortAnchorRotationAsync()
    {
        var prepared = Committed.Anchor(AnchorStage.Prepared) ?? throw new MeshException(
            MeshError.Conflict,
            Committed.Anchor(AnchorStage.Retiring) is null
                ? "No rotation is under way."
                : "The new anchor signs already, and what it signed would be void. Retire the old one, or start another rotation after that.");
        await CommitAsync(Committed.WithoutPreparedAnchor(prepared));
        return Snapshot(Committed);
    }

    public async Task<TrustSnapshot> RetireAnchorAsync()
    {
        var retiring = Committed.Anchor(AnchorStage.Retiring)
            ?? throw new MeshException(MeshError.Conflict, "No anchor is retiring. A rotation is started, activated, and then retired.");
        var holders = Committed.HoldersOf(retiring, await LiveLeavesAsync(), clock.GetUtcNow());
        if (holders.Count > 0)
        {
            throw new MeshException(MeshError.Conflict, $"Anchor {Short(retiring.KeyHash)} is still needed by {string.Join(", and by ", holders)}.");
        }

        await CommitAsync(await rotator.RetireAnchorAsync(Committed, retiring, CancellationToken.None));
        return Snapshot(Committed);
    }

    public async Task<TrustSnapshot> RevokeAnchorAsync(KeyHash keyHash, string reason)
    {
        CheckReason(reason);
        if (Committed.IsRevoked(keyHash))
        {
            return Snapshot(Committed);
        }

        var revoked = Committed.Anchors.FirstOrDefault(anchor => anchor.KeyHash == keyHash)
            ?? throw new MeshException(MeshError.NotFound, $"No anchor of {Committed.Name} has the key {keyHash}.");
        var successor = rotator.TakeoverFrom(Committed, revoked);
        await CommitAsync(await rotator.RevokeAnchorAsync(Committed, revoked, successor, reason, CancellationToken.None));
        Log.Revoked(logger, Committed.Name, "anchor", keyHash, successor?.KeyHash);
        await NudgeAllAsync();
        await RotateAsync();
        return Snapshot(Committed);
    }

    public async Task<TrustSnapshot> InstallStandbyAsync(ReadOnlyMemory<byte> certificate)
    {
        if (Committed.Anchor(AnchorStage.Standby) is { } present && present.Certificate.Span.SequenceEqual(certificate.Span))
        {
            return Snapshot(Committed);
        }

        await CommitAsync(Committed.WithStandby(Judged(certificate, AnchorStage.Standby)));
        return Snapshot(Committed);
    }

    public async Task<TrustSnapshot> TakeAnchorKeyAsync(KeyHash keyHash)
    {
        var anchor = Committed.Anchors.FirstOrDefault(anchor => anchor.KeyHash == keyHash)
            ?? throw new MeshException(MeshError.NotFound, $"No anchor of {Committed.Name} has the key {keyHash}.");
        if (anchor.IsOffline)
        {
            await CommitAsync(await rotator.TakeAnchorKeyAsync(Committed, anchor, CancellationToken.None));
        }

        return Snapshot(Committed);
    }

    private async Task<IReadOnlyDictionary<KeyHash, int>?> LiveLeavesAsync()
    {
        // One that has just ended is still good where a clock is behind.
        var live = await issuance.ListLiveAsync(null, clock.GetUtcNow() - SvidProfile.ClockSkew, MaxInstances + 1, CancellationToken.None);
        return live.Count > MaxInstances ? null : live.CountBy(record => record.Issuer).ToDictionary();
    }

    private AnchorRecord? GivenAnchor(ReadOnlyMemory<byte> certificate, bool useStandby)
    {
        if (useStandby)
        {
            return Committed.Anchor(AnchorStage.Standby) is { } standby
                ? standby with { WasStandby = true }
                : throw new MeshException(MeshError.Conflict, "There is no standby anchor.");
        }

        if (certificate.IsEmpty)
        {
            return null;
        }

        return Judged(certificate, AnchorStage.Prepared);
    }

    private AnchorRecord Judged(ReadOnlyMemory<byte> certificate, AnchorStage stage)
    {
        try
        {
            var anchor = givenAnchors.Judge(TrustDomainName.Parse(Committed.Name), certificate, stage);
            return Committed.Anchors.Any(held => held.KeyHash == anchor.KeyHash) || Committed.IsRevoked(anchor.KeyHash)
                ? throw new MeshException(MeshError.InvalidRequest, $"The key {Short(anchor.KeyHash)} is an anchor's already, or was revoked.")
                : anchor;
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.InvalidRequest, e.Message);
        }
    }
}
