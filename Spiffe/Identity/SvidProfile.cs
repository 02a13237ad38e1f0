namespace Mesh.Spiffe;

/// <summary>Figures that whoever issues leaves and whoever verifies them must agree on.</summary>
public static class SvidProfile
{
    /// <summary>How long before the time of issue <c>notBefore</c> lies, for peers whose clocks are behind: 20 s.</summary>
    /// <remarks>Issuers subtract exactly this, since bans compute the time of issue from it.</remarks>
    public static readonly TimeSpan Backdating = TimeSpan.FromSeconds(20);

    /// <summary>How far a verifier's clock may be off at either end of a validity: 20 s.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(20);

    /// <summary>The most certificates a chain may have, leaf and superfluous ones included.</summary>
    public const int MaxChainLength = 8;

    /// <summary>The largest certificate that is read, in bytes.</summary>
    public const int MaxCertificateBytes = 16 * 1024;
}
