using Mesh.Grains.Certificates;
using Mesh.Grains.Issuers;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.TrustDomains;

/// <summary>
/// Works out the state that follows from a step or a command, keys made and durable, nothing committed yet. What is made and not
/// committed is a key that no state names.
/// </summary>
internal sealed class AuthorityRotator(
    AuthorityFactory authorities, IOptions<IssuerOptions> issuerOptions, IOptions<LeafOptions> leafOptions, TimeProvider clock)
{
    private static readonly AuthorityPurpose[] Purposes = [AuthorityPurpose.Workload, AuthorityPurpose.ControlPlane];

    private DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>The longest life of a leaf, under either issuer.</summary>
    private TimeSpan LongestLeaf =>
        leafOptions.Value.Lifetime > leafOptions.Value.ControlPlaneLifetime ? leafOptions.Value.Lifetime : leafOptions.Value.ControlPlaneLifetime;

    /// <summary>The state after the one step that is due now; null where there is none.</summary>
    public async Task<TrustDomainState?> StepAsync(TrustDomainState state, CancellationToken cancellationToken) =>
        IssuerRotation.Due(state, issuerOptions.Value, Now) switch
        {
            RotationStep.Prepare prepare => state.WithPrepared(await CreateAsync(state, prepare.Purpose, state.ActiveAnchor, cancellationToken)),
            RotationStep.Activate activate => state.WithActivated(activate.Issuer, Now, LongestLeaf),
            RotationStep.Retire retire => state.Without(retire.Issuer),
            _ => null,
        };

    /// <summary>How long until a prepared issuer signs; null where none is prepared.</summary>
    public TimeSpan? UntilActivation(TrustDomainState state) => IssuerRotation.NextActivation(state, issuerOptions.Value) - Now;

    /// <summary>An issuer changed before its time: a workload issuer at once, a control-plane issuer once its successor is published.</summary>
    /// <remarks>Workloads' chains carry their issuer, while a control-plane issuer must be in everybody's bundle before it signs.</remarks>
    public async Task<TrustDomainState> RotateIssuerAsync(TrustDomainState state, AuthorityPurpose purpose, CancellationToken cancellationToken)
    {
        if (Prepared(state, purpose, state.ActiveAnchor) is { } prepared)
        {
            return purpose == AuthorityPurpose.Workload ? state.WithActivated(prepared, Now, LongestLeaf) : state;
        }

        var successor = await CreateAsync(state, purpose, state.ActiveAnchor, cancellationToken);
        return purpose == AuthorityPurpose.Workload ? state.WithActivated(successor, Now, LongestLeaf) : state.WithPrepared(successor);
    }

    /// <summary>New issuers sign from now on, under the anchor in use, and none that was made before.</summary>
    public async Task<TrustDomainState> ReplaceIssuersAsync(TrustDomainState state, CancellationToken cancellationToken)
    {
        var next = state with { Issuers = state.Issuers.RemoveAll(issuer => issuer.Stage == IssuerStage.Prepared && issuer.Anchor == state.ActiveAnchor.KeyHash) };
        foreach (var successor in await CreateIssuersAsync(state, state.ActiveAnchor, cancellationToken))
        {
            next = next.WithActivated(successor, Now, LongestLeaf);
        }

        return next;
    }

    /// <summary>An issuer revoked, its successor in its place.</summary>
    public async Task<TrustDomainState> RevokeIssuerAsync(
        TrustDomainState state, IssuerRecord revoked, string reason, CancellationToken cancellationToken)
    {
        var successor = revoked.Stage == IssuerStage.Active
            ? Prepared(state, revoked.Purpose, state.ActiveAnchor) ?? await CreateAsync(state, revoked.Purpose, state.ActiveAnchor, cancellationToken)
            : null;
        return state.WithRevoked(revoked, successor, Now, reason);
    }

    /// <summary>A new anchor with its issuers, published and signing nothing.</summary>
    public async Task<TrustDomainState> StartAnchorAsync(TrustDomainState state, CancellationToken cancellationToken)
    {
        var anchor = await authorities.CreateAnchorAsync(TrustDomainName.Parse(state.Name), AnchorStage.Prepared, cancellationToken);
        return state.WithPreparedAnchor(anchor, await CreateIssuersAsync(state, anchor, cancellationToken));
    }

    /// <summary>The prepared anchor's issuers sign.</summary>
    public TrustDomainState ActivateAnchor(TrustDomainState state, AnchorRecord prepared) => state.WithActivatedAnchor(prepared, Now, LongestLeaf);

    /// <summary>The old anchor is gone.</summary>
    public async Task<TrustDomainState> RetireAnchorAsync(TrustDomainState state, AnchorRecord retiring, CancellationToken cancellationToken) =>
        state.WithoutRetiringAnchor(
            retiring, await authorities.CreateBundleSignerAsync(TrustDomainName.Parse(state.Name), state.ActiveAnchor, cancellationToken));

    /// <summary>An anchor revoked. Where it was the one that signs, one that everybody knows already takes over, and a new standby is made.</summary>
    /// <param name="successor">A standby, prepared or retiring anchor; null where the revoked one signs nothing.</param>
    public async Task<TrustDomainState> RevokeAnchorAsync(
        TrustDomainState state, AnchorRecord revoked, AnchorRecord? successor, string reason, CancellationToken cancellationToken)
    {
        var name = TrustDomainName.Parse(state.Name);
        var takeover = successor is null ? null : new AnchorTakeover(successor, await IssuersOfAsync(state, successor, cancellationToken));
        var signer = state.BundleSigner?.Anchor == revoked.KeyHash
            ? await authorities.CreateBundleSignerAsync(name, successor ?? state.ActiveAnchor, cancellationToken)
            : null;
        var next = state.WithRevokedAnchor(revoked, takeover, signer, Now, reason);
        return revoked.Stage == AnchorStage.Standby || successor?.Stage == AnchorStage.Standby
            ? next with { Anchors = next.Anchors.Add(await authorities.CreateAnchorAsync(name, AnchorStage.Standby, cancellationToken)) }
            : next;
    }

    private IssuerRecord? Prepared(TrustDomainState state, AuthorityPurpose purpose, AnchorRecord anchor) =>
        state.PreparedIssuer(purpose, anchor.KeyHash) is { } prepared && Now < prepared.NotAfter ? prepared : null;

    private async Task<IReadOnlyList<IssuerRecord>> IssuersOfAsync(TrustDomainState state, AnchorRecord anchor, CancellationToken cancellationToken)
    {
        var prepared = Purposes.Select(purpose => Prepared(state, purpose, anchor)).OfType<IssuerRecord>().ToList();
        return prepared.Count == Purposes.Length ? prepared : await CreateIssuersAsync(state, anchor, cancellationToken);
    }

    private async Task<IReadOnlyList<IssuerRecord>> CreateIssuersAsync(TrustDomainState state, AnchorRecord anchor, CancellationToken cancellationToken)
    {
        var issuers = new List<IssuerRecord>();
        foreach (var purpose in Purposes)
        {
            issuers.Add(await CreateAsync(state, purpose, anchor, cancellationToken));
        }

        return issuers;
    }

    private Task<IssuerRecord> CreateAsync(TrustDomainState state, AuthorityPurpose purpose, AnchorRecord anchor, CancellationToken cancellationToken) =>
        authorities.CreateIssuerAsync(TrustDomainName.Parse(state.Name), purpose, IssuerStage.Prepared, anchor, cancellationToken);
}
