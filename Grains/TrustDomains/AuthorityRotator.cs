using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
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

    private TimeSpan LongestLeaf => leafOptions.Value.Longest;

    /// <summary>The state after the one step that is due now; null where there is none.</summary>
    public async Task<TrustDomainState?> StepAsync(TrustDomainState state, CancellationToken cancellationToken) =>
        IssuerRotation.Due(state, issuerOptions.Value, Now) switch
        {
            RotationStep.Prepare prepare => state.WithPrepared(await CreateAsync(state, prepare.Purpose, state.ActiveAnchor, cancellationToken)),
            RotationStep.Request request => state.WithRequests(await RequestAsync(state, request, cancellationToken)),
            RotationStep.Activate activate => state.WithActivated(activate.Issuer, Now, LongestLeaf),
            RotationStep.Retire retire => state.Without(retire.Issuer),
            _ => null,
        };

    /// <summary>How long until a prepared issuer signs; null where none is prepared.</summary>
    public TimeSpan? UntilActivation(TrustDomainState state) => IssuerRotation.NextActivation(state, issuerOptions.Value) - Now;

    /// <summary>An issuer changed before its time: a workload issuer at once, a control-plane issuer once its successor is published.</summary>
    /// <remarks>Workloads' chains carry their issuer, while a control-plane issuer must be in everybody's bundle before it signs.</remarks>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: the anchor's key is elsewhere, and no successor is certified, or none
    /// has been published for long enough.</exception>
    public async Task<TrustDomainState> RotateIssuerAsync(TrustDomainState state, AuthorityPurpose purpose, CancellationToken cancellationToken)
    {
        if (Prepared(state, purpose, state.ActiveAnchor) is { } prepared)
        {
            var published = IssuerRotation.PublishedUntil(prepared, issuerOptions.Value);
            return (purpose, state.ActiveAnchor.IsOffline) switch
            {
                (AuthorityPurpose.Workload, _) => state.WithActivated(prepared, Now, LongestLeaf),
                (_, true) when Now >= published => state.WithActivated(prepared, Now, LongestLeaf),
                (_, true) => throw new MeshException(
                    MeshError.Conflict, $"The control-plane issuer {prepared.KeyHash.ToString()[..16]} stands by and is being published. From {published:u} on it may sign: ask again then."),
                _ => state,
            };
        }

        OfflineAnchor.RefuseUncertified(state.ActiveAnchor, purpose);
        var successor = await CreateAsync(state, purpose, state.ActiveAnchor, cancellationToken);
        return purpose == AuthorityPurpose.Workload ? state.WithActivated(successor, Now, LongestLeaf) : state.WithPrepared(successor);
    }

    /// <summary>New issuers sign from now on, under the anchor in use, and none that was made before. Where that anchor's key is elsewhere
    /// nothing signs until it has certified them.</summary>
    public async Task<TrustDomainState> ReplaceIssuersAsync(TrustDomainState state, CancellationToken cancellationToken)
    {
        if (state.ActiveAnchor.IsOffline)
        {
            return state.WithoutRequests(state.ActiveAnchor.KeyHash).WithoutSigning(state.ActiveAnchor.KeyHash, Now, LongestLeaf);
        }

        var next = state with { Issuers = state.Issuers.RemoveAll(issuer => issuer.Stage == IssuerStage.Prepared && issuer.Anchor == state.ActiveAnchor.KeyHash) };
        foreach (var successor in await CreateIssuersAsync(state, state.ActiveAnchor, cancellationToken))
        {
            next = next.WithActivated(successor, Now, LongestLeaf);
        }

        return next;
    }

    /// <summary>An issuer revoked, its successor in its place.</summary>
    /// <param name="withoutSuccessor">Revoke it also where the anchor's key is elsewhere and no successor is certified: then nothing is signed
    /// for its purpose until one is.</param>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: there is no successor.</exception>
    public async Task<TrustDomainState> RevokeIssuerAsync(
        TrustDomainState state, IssuerRecord revoked, bool withoutSuccessor, string reason, CancellationToken cancellationToken)
    {
        var successor = revoked.Stage == IssuerStage.Active ? Prepared(state, revoked.Purpose, state.ActiveAnchor) : null;
        if (revoked.Stage == IssuerStage.Active && successor is null && !(state.ActiveAnchor.IsOffline && withoutSuccessor))
        {
            OfflineAnchor.RefuseUncertified(state.ActiveAnchor, revoked.Purpose, "Install one, or revoke it all the same with --without-successor: " + OfflineAnchor.WithoutIssuer(revoked.Purpose));
            successor = await CreateAsync(state, revoked.Purpose, state.ActiveAnchor, cancellationToken);
        }

        return state.WithRevoked(revoked, successor, Now, reason);
    }

    /// <summary>A new anchor, published and signing nothing; with its issuers where its key is here.</summary>
    /// <param name="given">An anchor whose key is elsewhere, or the standby; null: one is made.</param>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: the present anchor's key is elsewhere, and none was given.</exception>
    public async Task<TrustDomainState> StartAnchorAsync(TrustDomainState state, AnchorRecord? given, CancellationToken cancellationToken)
    {
        if (given is null && state.ActiveAnchor.IsOffline)
        {
            throw new MeshException(
                MeshError.Conflict, "The key of the anchor in use is elsewhere, and its successor's should be: give its certificate, mesh trust rotate start --certificate FILE.");
        }

        var anchor = given ?? await authorities.CreateAnchorAsync(TrustDomainName.Parse(state.Name), AnchorStage.Prepared, cancellationToken);
        return state.WithPreparedAnchor(anchor, anchor.IsOffline ? [] : await CreateIssuersAsync(state, anchor, cancellationToken));
    }

    /// <summary>The prepared anchor's issuers sign.</summary>
    public TrustDomainState ActivateAnchor(TrustDomainState state, AnchorRecord prepared) => state.WithActivatedAnchor(prepared, Now, LongestLeaf);

    /// <summary>The old anchor is gone.</summary>
    public async Task<TrustDomainState> RetireAnchorAsync(TrustDomainState state, AnchorRecord retiring, CancellationToken cancellationToken) =>
        state.WithoutRetiringAnchor(retiring, await BundleSignerAsync(state, state.ActiveAnchor, cancellationToken));

    /// <summary>Which anchor signs once one is revoked that signs now: one that everybody knows already, and that can take over in one write; null
    /// where the revoked one does not sign.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: there is none.</exception>
    public AnchorRecord? TakeoverFrom(TrustDomainState state, AnchorRecord revoked) =>
        revoked.Stage != AnchorStage.Active ? null : SuccessorOf(state) ?? throw OfflineAnchor.NoSuccessor(state);

    private AnchorRecord? SuccessorOf(TrustDomainState state) =>
        new[] { AnchorStage.Standby, AnchorStage.Prepared, AnchorStage.Retiring }
            .Select(state.Anchor)
            .OfType<AnchorRecord>()
            .FirstOrDefault(anchor => !anchor.IsOffline
                || (state.HasBundleSigner(anchor) && Array.TrueForAll(Purposes, purpose => Prepared(state, purpose, anchor) is not null)));

    /// <summary>An anchor revoked. Where it was the one that signs, one that everybody knows already takes over, and a new standby is made.</summary>
    /// <param name="successor">A standby, prepared or retiring anchor; null where the revoked one signs nothing.</param>
    public async Task<TrustDomainState> RevokeAnchorAsync(
        TrustDomainState state, AnchorRecord revoked, AnchorRecord? successor, string reason, CancellationToken cancellationToken)
    {
        var takeover = successor is null ? null : new AnchorTakeover(successor, await IssuersOfAsync(state, successor, cancellationToken));
        var heir = successor ?? state.ActiveAnchor;
        var signer = state.BundleSigner?.Anchor == revoked.KeyHash ? await BundleSignerAsync(state, heir, cancellationToken) : null;
        var next = state.WithRevokedAnchor(revoked, takeover, signer, Now, reason);
        // A standby whose key lay here would be as good as an anchor that is kept elsewhere, so beside such a one none is made.
        return !heir.IsOffline && (revoked.Stage == AnchorStage.Standby || successor?.Stage == AnchorStage.Standby)
            ? next with { Anchors = next.Anchors.Add(await authorities.CreateAnchorAsync(TrustDomainName.Parse(state.Name), AnchorStage.Standby, cancellationToken)) }
            : next;
    }

    /// <summary>An anchor signs by itself from now on: its key is in the key store.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: it is not.</exception>
    public async Task<TrustDomainState> TakeAnchorKeyAsync(TrustDomainState state, AnchorRecord anchor, CancellationToken cancellationToken)
    {
        if (!await authorities.HoldsKeyOfAsync(anchor, cancellationToken))
        {
            throw new MeshException(MeshError.Conflict, $"The key of anchor {anchor.KeyHash} is not in the key store.");
        }

        var next = state.WithKeyOf(anchor);
        // What it has not certified while its key was elsewhere, it certifies now.
        return anchor.Stage == AnchorStage.Prepared && !Array.TrueForAll(Purposes, purpose => Prepared(state, purpose, anchor) is not null)
            ? next with { Issuers = next.Issuers.RemoveAll(issuer => issuer.Anchor == anchor.KeyHash).AddRange(await CreateIssuersAsync(state, anchor, cancellationToken)) }
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

    private async Task<BundleSignerRecord> BundleSignerAsync(TrustDomainState state, AnchorRecord anchor, CancellationToken cancellationToken)
    {
        if (!anchor.IsOffline)
        {
            return await authorities.CreateBundleSignerAsync(TrustDomainName.Parse(state.Name), anchor, cancellationToken);
        }

        return state.HasBundleSigner(anchor) ? state.NextBundleSigner! : throw OfflineAnchor.NoBundleKey(anchor);
    }

    private async Task<IReadOnlyList<AuthorityRequestRecord>> RequestAsync(TrustDomainState state, RotationStep.Request step, CancellationToken cancellationToken)
    {
        var requests = new List<AuthorityRequestRecord>();
        foreach (var (use, anchor) in step.Missing)
        {
            requests.Add(await authorities.CreateRequestAsync(TrustDomainName.Parse(state.Name), use, anchor, cancellationToken));
        }

        return requests;
    }

    private Task<IssuerRecord> CreateAsync(TrustDomainState state, AuthorityPurpose purpose, AnchorRecord anchor, CancellationToken cancellationToken) =>
        authorities.CreateIssuerAsync(TrustDomainName.Parse(state.Name), purpose, IssuerStage.Prepared, anchor, cancellationToken);
}
