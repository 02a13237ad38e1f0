using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.TrustDomains;

/// <summary>Configuration section <c>Anchor</c>.</summary>
public sealed class AnchorOptions
{
    /// <summary>How long a trust anchor lives.</summary>
    /// <value>Default 3650 days; 1 hour to 7300 days.</value>
    [Range(typeof(TimeSpan), "01:00:00", "7300.00:00:00")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromDays(3650);

    /// <summary>Whether every bundle carries a second anchor that signs nothing, for the day the first one is stolen or lost.</summary>
    /// <value>Default true. Without it, revoking the only anchor means to enroll everyone again.</value>
    public bool Standby { get; set; } = true;
}

/// <summary>Compile-time validator for <see cref="AnchorOptions"/>.</summary>
[OptionsValidator]
public sealed partial class AnchorOptionsValidator : IValidateOptions<AnchorOptions>;
