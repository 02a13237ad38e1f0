namespace Mesh.Grains.Certificates;

/// <summary>What an issuer may sign. A stolen workload issuer must not be a stolen control plane.</summary>
internal enum AuthorityPurpose
{
    /// <summary>Leaves of workloads.</summary>
    Workload = 1,

    /// <summary>Leaves of silos and ProxyHosts.</summary>
    ControlPlane = 2,
}

/// <summary>The words that stand for purposes in grain keys, subjects and answers.</summary>
internal static class AuthorityPurposes
{
    public static string Word(this AuthorityPurpose purpose) => purpose switch
    {
        AuthorityPurpose.Workload => "workload",
        AuthorityPurpose.ControlPlane => "control-plane",
        _ => throw new ArgumentOutOfRangeException(nameof(purpose), purpose, null),
    };

    public static AuthorityPurpose Parse(string word) => word switch
    {
        "workload" => AuthorityPurpose.Workload,
        "control-plane" => AuthorityPurpose.ControlPlane,
        _ => throw new FormatException($"'{word}' is not the purpose of an issuer."),
    };
}
