using Mesh.Grains.Certificates;
using Mesh.Grains.Issuers;

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
        ?? Purposes.Select(purpose => SuccessionOf(purpose, state, options, now)).FirstOrDefault(step => step is not null);

    /// <summary>When a prepared successor of the anchor in use will sign; null where none is prepared.</summary>
    public static DateTimeOffset? NextActivation(TrustDomainState state, IssuerOptions options)
    {
        var due = Purposes.Select(purpose => state.PreparedIssuer(purpose, state.ActiveAnchor.KeyHash))
            .OfType<IssuerRecord>()
            .Select(prepared => prepared.Since + PublishFor(prepared, options))
            .ToList();
        return due.Count == 0 ? null : due.Min();
    }

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
            return isOver || now >= prepared.Since + PublishFor(prepared, options) ? new RotationStep.Activate(prepared) : null;
        }

        if (now >= state.ActiveAnchor.NotAfter)
        {
            // Nothing under it would be good for a moment.
            return null;
        }

        return isOver || now >= active!.NotBefore + ((active.NotAfter - active.NotBefore) * options.RotateAt) ? new RotationStep.Prepare(purpose) : null;
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

    /// <summary>Let the successor sign.</summary>
    public sealed record Activate(IssuerRecord Issuer) : RotationStep;

    /// <summary>Forget an issuer under which nothing is good any more.</summary>
    public sealed record Retire(IssuerRecord Issuer) : RotationStep;
}
