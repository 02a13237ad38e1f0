namespace Mesh.Grains.Tests.TrustDomains.Model;

/// <summary>What may happen to a trust domain.</summary>
internal enum TrustEvent
{
    Wait,
    Tick,
    Issue,
    IssueByStaleSigner,
    RotateIssuer,
    RevokeIssuer,
    StartAnchor,
    ActivateAnchor,
    RetireAnchor,
    AbortAnchor,
    RevokeAnchor,
    Ban,
    Unban,
}

/// <summary>One event of a run.</summary>
/// <param name="Which">Which of several: how long, which purpose, authority or identity.</param>
/// <param name="CrashAt">The write at which the process dies; 0: it lives.</param>
/// <param name="AfterCommit">Whether that write is stored.</param>
/// <param name="Repeats">Whether the same call comes a second time.</param>
internal readonly record struct TrustStep(TrustEvent Event, int Which, int CrashAt, bool AfterCommit, bool Repeats)
{
    public override string ToString() =>
        $"{Event}({Which})" + (CrashAt > 0 ? $" dies {(AfterCommit ? "after" : "before")} write {CrashAt}" : "") + (Repeats ? " twice" : "");
}
