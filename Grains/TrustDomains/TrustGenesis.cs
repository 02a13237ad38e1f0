using Mesh.Grains.Certificates;
using Mesh.Grains.Keys;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace Mesh.Grains.TrustDomains;

/// <summary>
/// Creates a trust domain in an empty store, or loads it, before Orleans starts: a silo needs an issuer to sign its own
/// certificate with. Of any number that start at once, one creates and the others load what it created.
/// </summary>
internal sealed class TrustGenesis(
    IGrainStorage storage, AuthorityFactory authorities, AuthorityRotator rotator, IKeyStore keys, IOptions<AnchorOptions> anchorOptions, TimeProvider clock)
{
    private const string ClaimName = "store-claim";

    private static readonly GrainId ClaimId = GrainId.Create("store", "claim");

    /// <exception cref="InvalidDataException">The store belongs to another trust domain.</exception>
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
        while (Enum.GetValues<AuthorityPurpose>().Any(purpose => stored.State!.ActiveIssuer(purpose) is not { } issuer || clock.GetUtcNow() >= issuer.NotAfter))
        {
            var next = await rotator.StepAsync(stored.State!, cancellationToken)
                ?? throw new InvalidDataException($"Trust domain {trustDomain} has an issuer that has ended, and no successor is due. Compare the clock.");
            next = await new BundleSealer(keys, clock).SealAsync(next with { Sequence = next.Sequence + 1, Epoch = next.Epoch + 1 }, cancellationToken);
            try
            {
                stored.State = next;
                await storage.WriteStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(trustDomain), stored);
            }
            catch (InconsistentStateException)
            {
                // Another silo that starts was faster.
                stored = await LoadAsync(trustDomain);
            }
        }

        return stored.State!;
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
        var anchor = await authorities.CreateAnchorAsync(trustDomain, AnchorStage.Active, cancellationToken);
        var state = new TrustDomainState
        {
            Name = trustDomain.Name,
            Sequence = TrustDomainState.FirstSequence(clock.GetUtcNow()),
            Epoch = 1,
            Anchors = anchorOptions.Value.Standby
                ? [anchor, await authorities.CreateAnchorAsync(trustDomain, AnchorStage.Standby, cancellationToken)]
                : [anchor],
            Issuers =
            [
                await authorities.CreateIssuerAsync(trustDomain, AuthorityPurpose.Workload, IssuerStage.Active, anchor, cancellationToken),
                await authorities.CreateIssuerAsync(trustDomain, AuthorityPurpose.ControlPlane, IssuerStage.Active, anchor, cancellationToken),
            ],
            BundleSigner = await authorities.CreateBundleSignerAsync(trustDomain, anchor, cancellationToken),
            TokenKeys = [await authorities.CreateTokenKeyAsync(cancellationToken)],
        };
        return await new BundleSealer(keys, clock).SealAsync(state, cancellationToken);
    }
}

/// <summary>Which trust domain a store belongs to.</summary>
[GenerateSerializer, Immutable, Alias("mesh.store-claim")]
internal sealed record StoreClaim
{
    [Id(0)]
    public string TrustDomain { get; init; } = "";
}
