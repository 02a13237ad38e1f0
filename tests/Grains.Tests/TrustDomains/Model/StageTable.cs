namespace Mesh.Grains.Tests.TrustDomains.Model;

/// <summary>Every change of stage that there may be, and what may cause it. Whatever is gone stays gone.</summary>
internal static class StageTable
{
    public const string Absent = "absent";
    public const string Gone = "gone";

    private static readonly HashSet<(string From, string To, TrustEvent Cause)> Anchors =
    [
        (Absent, "Prepared", TrustEvent.StartAnchor), (Absent, "Standby", TrustEvent.RevokeAnchor),
        ("Prepared", "Active", TrustEvent.ActivateAnchor), ("Prepared", "Active", TrustEvent.RevokeAnchor),
        ("Standby", "Active", TrustEvent.RevokeAnchor), ("Retiring", "Active", TrustEvent.RevokeAnchor),
        ("Active", "Retiring", TrustEvent.ActivateAnchor),
        ("Prepared", Gone, TrustEvent.AbortAnchor), ("Retiring", Gone, TrustEvent.RetireAnchor),
        ("Prepared", Gone, TrustEvent.RevokeAnchor), ("Standby", Gone, TrustEvent.RevokeAnchor),
        ("Active", Gone, TrustEvent.RevokeAnchor), ("Retiring", Gone, TrustEvent.RevokeAnchor),
    ];

    private static readonly HashSet<(string From, string To, TrustEvent Cause)> Issuers =
    [
        (Absent, "Prepared", TrustEvent.Tick), (Absent, "Prepared", TrustEvent.RotateIssuer), (Absent, "Prepared", TrustEvent.StartAnchor),
        (Absent, "Active", TrustEvent.RotateIssuer), (Absent, "Active", TrustEvent.RevokeIssuer), (Absent, "Active", TrustEvent.RevokeAnchor),
        ("Prepared", "Active", TrustEvent.Tick), ("Prepared", "Active", TrustEvent.RotateIssuer), ("Prepared", "Active", TrustEvent.RevokeIssuer),
        ("Prepared", "Active", TrustEvent.ActivateAnchor), ("Prepared", "Active", TrustEvent.RevokeAnchor),
        ("Active", "Retiring", TrustEvent.Tick), ("Active", "Retiring", TrustEvent.RotateIssuer), ("Active", "Retiring", TrustEvent.ActivateAnchor),
        ("Prepared", Gone, TrustEvent.Tick), ("Prepared", Gone, TrustEvent.ActivateAnchor), ("Prepared", Gone, TrustEvent.AbortAnchor),
        ("Retiring", Gone, TrustEvent.Tick), ("Retiring", Gone, TrustEvent.RetireAnchor),
        ("Prepared", Gone, TrustEvent.RevokeIssuer), ("Active", Gone, TrustEvent.RevokeIssuer), ("Retiring", Gone, TrustEvent.RevokeIssuer),
        ("Prepared", Gone, TrustEvent.RevokeAnchor), ("Active", Gone, TrustEvent.RevokeAnchor), ("Retiring", Gone, TrustEvent.RevokeAnchor),
    ];

    public static bool AllowsAnchor(string from, string to, TrustEvent cause) => from == to || Anchors.Contains((from, to, cause));

    public static bool AllowsIssuer(string from, string to, TrustEvent cause) => from == to || Issuers.Contains((from, to, cause));
}
