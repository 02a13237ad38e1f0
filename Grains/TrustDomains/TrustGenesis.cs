using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace Mesh.Grains.TrustDomains;

/// <summary>
/// Creates a trust domain in an empty store, or loads it, before Orleans starts: a silo needs an issuer to sign its own
/// certificate with. Of any number that start at once, one creates and the others load what it created.
/// </summary>
/// <remarks>Where the anchor's key is elsewhere it can only ask for issuers: what it creates or loads may not be able to serve yet.</remarks>
internal sealed class TrustGenesis(
    IGrainStorage storage,
    AuthorityFactory authorities,
    AuthorityRotator rotator,
    CertificateInstaller installer,
    BundleSealer sealer,
    GivenAnchors givenAnchors,
    IOptions<AnchorOptions> anchorOptions,
    TimeProvider clock)
{
    private const string ClaimName = "store-claim";

    private static readonly GrainId ClaimId = GrainId.Create("store", "claim");

    /// <exception cref="InvalidDataException">The store belongs to another trust domain, or an anchor that the options name can't be one.</exception>
    public async Task<TrustDomainState> CreateOrLoadAsync(TrustDomainName trustDomain, CancellationToken cancellationToken)
    {
        await ClaimAsync(trustDomain);
        if (await LoadAsync(trustDomain) is { RecordExists: true } existing)
        {
            return await RevivedAsync(existing, trustDomain, cancellationToken);
        }

        var created = await CreateAsync(trustDomain, cancellationToken);
        try
        {
            await storage.WriteStateAsync(
                TrustDomainGrain.StateName, TrustDomainGrain.IdOf(trustDomain), new GrainState<TrustDomainState>(created));
            return created;
        }
        catch (InconsistentStateException)
        {
            var winner = await LoadAsync(trustDomain);
            return winner.RecordExists
                ? winner.State!
                : throw new InvalidOperationException("The store refused a first write, yet holds no trust domain.");
        }
    }

    // After a downtime beyond the life of the issuers there is none to sign this silo's own certificate with; so what is due is done
    // here, as the grain would do it.
    private async Task<TrustDomainState> RevivedAsync(
        GrainState<TrustDomainState> stored, TrustDomainName trustDomain, CancellationToken cancellationToken)
    {
        while (!stored.State!.CanServe(clock.GetUtcNow()) && await rotator.StepAsync(stored.State!, cancellationToken) is { } next)
        {
            await TryCommitAsync(stored, next, cancellationToken);
            // As it was written, or as another silo that starts has written it faster.
            stored = await LoadAsync(trustDomain);
        }

        return stored.State!.CanServe(clock.GetUtcNow()) || stored.State!.ActiveAnchor.IsOffline
            ? stored.State!
            : throw new InvalidDataException($"Trust domain {trustDomain} has an issuer that has ended, and no successor is due. Compare the clock.");
    }

    /// <summary>The trust domain as the store has it now.</summary>
    public async Task<TrustDomainState> ReadAsync(TrustDomainName trustDomain) => (await LoadAsync(trustDomain)).State!;

    /// <summary>Takes certificates while no silo can serve yet, as the grain takes them later.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: what is wrong with them. <see cref="MeshError.Conflict"/>: another silo
    /// has written meanwhile.</exception>
    public async Task<TrustDomainState> InstallAsync(
        TrustDomainName trustDomain, IReadOnlyList<ReadOnlyMemory<byte>> certificates, CancellationToken cancellationToken)
    {
        var stored = await LoadAsync(trustDomain);
        var next = await installer.InstallAsync(stored.State!, certificates, cancellationToken);
        return ReferenceEquals(next, stored.State) || await TryCommitAsync(stored, next, cancellationToken)
            ? stored.State!
            : throw new MeshException(MeshError.Conflict, "Another silo has changed the trust domain meanwhile. Look again, and install once more what still awaits a certificate.");
    }

    private async Task<bool> TryCommitAsync(GrainState<TrustDomainState> stored, TrustDomainState next, CancellationToken cancellationToken)
    {
        stored.State = await sealer.SealAsync(next with { Sequence = next.Sequence + 1, Epoch = next.Epoch + 1 }, cancellationToken);
        try
        {
            await storage.WriteStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(TrustDomainName.Parse(next.Name)), stored);
            return true;
        }
        catch (InconsistentStateException)
        {
            return false;
        }
    }

    // A store serves one trust domain for good: a second one beside it, for a misspelt option, would be an identity crisis.
    private async Task ClaimAsync(TrustDomainName trustDomain)
    {
        var claim = new GrainState<StoreClaim>(new StoreClaim());
        await storage.ReadStateAsync(ClaimName, ClaimId, claim);
        if (!claim.RecordExists)
        {
            claim.State = new StoreClaim { TrustDomain = trustDomain.Name };
            try
            {
                await storage.WriteStateAsync(ClaimName, ClaimId, claim);
            }
            catch (InconsistentStateException)
            {
                // Another silo was faster; its word is compared like anybody's.
                await storage.ReadStateAsync(ClaimName, ClaimId, claim);
            }
        }

        if (claim.State?.TrustDomain != trustDomain.Name)
        {
            throw new InvalidDataException(
                $"The store belongs to trust domain {claim.State?.TrustDomain}, and this silo is set to {trustDomain}. Set Silo:TrustDomain back, or name another store.");
        }
    }

    private async Task<GrainState<TrustDomainState>> LoadAsync(TrustDomainName trustDomain)
    {
        var stored = new GrainState<TrustDomainState>(new TrustDomainState());
        await storage.ReadStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(trustDomain), stored);
        return stored;
    }

    private async Task<TrustDomainState> CreateAsync(TrustDomainName trustDomain, CancellationToken cancellationToken)
    {
        var anchor = await givenAnchors.ReadFirstAsync(trustDomain, cancellationToken)
            ?? await authorities.CreateAnchorAsync(trustDomain, AnchorStage.Active, cancellationToken);
        var state = new TrustDomainState
        {
            Name = trustDomain.Name,
            Sequence = TrustDomainState.FirstSequence(clock.GetUtcNow()),
            Epoch = 1,
            Anchors = await StandbyAsync(trustDomain, anchor, cancellationToken) is { } standby ? [anchor, standby] : [anchor],
            TokenKeys = [await authorities.CreateTokenKeyAsync(cancellationToken)],
        };
        state = anchor.IsOffline
            ? (await rotator.StepAsync(state, cancellationToken))!
            : state with
            {
                Issuers =
                [
                    await authorities.CreateIssuerAsync(trustDomain, AuthorityPurpose.Workload, IssuerStage.Active, anchor, cancellationToken),
                    await authorities.CreateIssuerAsync(trustDomain, AuthorityPurpose.ControlPlane, IssuerStage.Active, anchor, cancellationToken),
                ],
                BundleSigner = await authorities.CreateBundleSignerAsync(trustDomain, anchor, cancellationToken),
            };
        return await sealer.SealAsync(state, cancellationToken);
    }

    private async Task<AnchorRecord?> StandbyAsync(TrustDomainName trustDomain, AnchorRecord first, CancellationToken cancellationToken)
    {
        if (givenAnchors.ReadStandby(trustDomain) is { } given)
        {
            return given.KeyHash != first.KeyHash
                ? given
                : throw new InvalidDataException("Anchor:StandbyCertificateFile and Anchor:CertificateFile name the same key.");
        }

        // A standby whose key lay here would be as good as the first anchor, which is kept elsewhere.
        return anchorOptions.Value.Standby && !first.IsOffline
            ? await authorities.CreateAnchorAsync(trustDomain, AnchorStage.Standby, cancellationToken)
            : null;
    }
}

/// <summary>Which trust domain a store belongs to.</summary>
[GenerateSerializer, Immutable, Alias("mesh.store-claim")]
internal sealed record StoreClaim
{
    [Id(0)]
    public string TrustDomain { get; init; } = "";
}
