using Mesh.Grains.Certificates;
using Mesh.Grains.Issuers;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>What an issuer's age asks for. Pure timing: the same state, options and time give the same step.</summary>
/// <remarks>
/// One step at a time, each committed before the next is looked for, so that a crash between two of them is no more than a pause.
/// A step that was done is not due again.
/// </remarks>
internal static class IssuerRotation
{
    private static readonly AuthorityPurpose[] Purposes = [AuthorityPurpose.ControlPlane, AuthorityPurpose.Workload];

    /// <summary>The step that is due now; null where there is none.</summary>
    public static RotationStep? Due(TrustDomainState state, IssuerOptions options, DateTimeOffset now) =>
        state.Issuers.Where(issuer => IsSpent(issuer, now)).Select(issuer => new RotationStep.Retire(issuer)).FirstOrDefault()
        ?? Purposes.Select(purpose => SuccessionOf(purpose, state, options, now)).FirstOrDefault(step => step is not null)
        ?? RequestsOf(state, options, now);

    /// <summary>When a prepared successor of the anchor in use will sign; null where none is prepared.</summary>
    public static DateTimeOffset? NextActivation(TrustDomainState state, IssuerOptions options)
    {
        var due = Purposes.Select(purpose => state.PreparedIssuer(purpose, state.ActiveAnchor.KeyHash))
            .OfType<IssuerRecord>()
            .Select(prepared => ActivationOf(prepared, state, options))
            .ToList();
        return due.Count == 0 ? null : due.Min();
    }

    /// <summary>From when on a prepared issuer has been published for long enough.</summary>
    public static DateTimeOffset PublishedUntil(IssuerRecord prepared, IssuerOptions options) => prepared.Since + PublishFor(prepared, options);

    // One that was prepared and never signed is spent when it has ended: it must not stand in its successor's way.
    private static bool IsSpent(IssuerRecord issuer, DateTimeOffset now) => issuer.Stage switch
    {
        IssuerStage.Prepared => now >= issuer.NotAfter,
        IssuerStage.Retiring => now > issuer.LeavesUntil,
        _ => false,
    };

    private static RotationStep? SuccessionOf(AuthorityPurpose purpose, TrustDomainState state, IssuerOptions options, DateTimeOffset now)
    {
        var active = state.ActiveIssuer(purpose);
        var isOver = active is null || now >= active.NotAfter;
        if (state.PreparedIssuer(purpose, state.ActiveAnchor.KeyHash) is { } prepared)
        {
            // Where nothing can sign there is nothing to wait for.
            return isOver || now >= ActivationOf(prepared, state, options) ? new RotationStep.Activate(prepared) : null;
        }

        if (state.ActiveAnchor.IsOffline || now >= state.ActiveAnchor.NotAfter)
        {
            // It takes its keeper to certify one; or nothing under it would be good for a moment.
            return null;
        }

        return isOver || now >= active!.NotBefore + ((active.NotAfter - active.NotBefore) * options.RotateAt) ? new RotationStep.Prepare(purpose) : null;
    }

    // Where an anchor's key is elsewhere, a successor is asked for as soon as there is none: its keeper comes by seldom, and till it is due
    // the successor is the one that a revocation takes.
    private static RotationStep.Request? RequestsOf(TrustDomainState state, IssuerOptions options, DateTimeOffset now)
    {
        var missing = state.Anchors
            .Where(anchor => anchor.IsOffline && anchor.Stage is AnchorStage.Active or AnchorStage.Prepared && now < anchor.NotAfter)
            .SelectMany(anchor => Purposes
                .Where(purpose => state.PreparedIssuer(purpose, anchor.KeyHash) is null)
                .Select(purpose => purpose.KeyUse())
                .Concat(NeedsBundleKey(state, anchor, options, now) ? [KeyUse.Bundle] : [])
                .Where(use => state.Request(use, anchor.KeyHash) is null)
                .Select(use => (use, anchor)))
            .ToList();
        return missing.Count == 0 ? null : new RotationStep.Request(missing);
    }

    // Bundles are signed under the old anchor until it is retired, so a prepared anchor's bundle key waits too, and so does an active one's
    // whose predecessor is retiring.
    private static bool NeedsBundleKey(TrustDomainState state, AnchorRecord anchor, IssuerOptions options, DateTimeOffset now) =>
        state.BundleSigner?.Anchor == anchor.KeyHash
            ? state.IsDue(KeyUse.Bundle, options.RotateAt, now)
            : state.NextBundleSigner?.Anchor != anchor.KeyHash;

    private static DateTimeOffset ActivationOf(IssuerRecord prepared, TrustDomainState state, IssuerOptions options)
    {
        var published = PublishedUntil(prepared, options);
        if (!state.ActiveAnchor.IsOffline || state.ActiveIssuer(prepared.Purpose) is not { } active)
        {
            return published;
        }

        var due = active.NotBefore + ((active.NotAfter - active.NotBefore) * options.RotateAt);
        return due > published ? due : published;
    }

    private static TimeSpan PublishFor(IssuerRecord issuer, IssuerOptions options)
    {
        var most = (issuer.NotAfter - issuer.NotBefore) / 10;
        return options.PublishFor < most ? options.PublishFor : most;
    }
}

/// <summary>One step of a rotation.</summary>
internal abstract record RotationStep
{
    private RotationStep()
    {
    }

    /// <summary>Make a successor and publish it.</summary>
    public sealed record Prepare(AuthorityPurpose Purpose) : RotationStep;

    /// <summary>Make keys and ask for their certificates, since the anchors' keys are elsewhere.</summary>
    public sealed record Request(IReadOnlyList<(KeyUse Use, AnchorRecord Anchor)> Missing) : RotationStep;

    /// <summary>Let the successor sign.</summary>
    public sealed record Activate(IssuerRecord Issuer) : RotationStep;

    /// <summary>Forget an issuer under which nothing is good any more.</summary>
    public sealed record Retire(IssuerRecord Issuer) : RotationStep;
}
