using Mesh.Grains.Keys;

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

    public static KeyUse KeyUse(this AuthorityPurpose purpose) => purpose switch
    {
        AuthorityPurpose.Workload => Keys.KeyUse.WorkloadIssuer,
        AuthorityPurpose.ControlPlane => Keys.KeyUse.ControlPlaneIssuer,
        _ => throw new ArgumentOutOfRangeException(nameof(purpose), purpose, null),
    };

    /// <summary>The purpose of an issuer's key; null where the key is no issuer's.</summary>
    public static AuthorityPurpose? IssuerPurpose(this KeyUse use) => use switch
    {
        Keys.KeyUse.WorkloadIssuer => AuthorityPurpose.Workload,
        Keys.KeyUse.ControlPlaneIssuer => AuthorityPurpose.ControlPlane,
        _ => null,
    };

    /// <summary>What a key that waits for a certificate is called: by its issuer's purpose, or <c>bundle</c>.</summary>
    public static string Word(this KeyUse use) => use switch
    {
        Keys.KeyUse.WorkloadIssuer or Keys.KeyUse.ControlPlaneIssuer => use.IssuerPurpose()!.Value.Word(),
        Keys.KeyUse.Bundle => "bundle",
        _ => throw new ArgumentOutOfRangeException(nameof(use), use, null),
    };

    public static AuthorityPurpose Parse(string word) => word switch
    {
        "workload" => AuthorityPurpose.Workload,
        "control-plane" => AuthorityPurpose.ControlPlane,
        _ => throw new FormatException($"'{word}' is not the purpose of an issuer."),
    };
}
