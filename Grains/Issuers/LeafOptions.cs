using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.Issuers;

/// <summary>Configuration section <c>Leaf</c>.</summary>
public sealed class LeafOptions
{
    /// <summary>How long a workload's certificate lives; cut to its issuer's expiry.</summary>
    /// <value>Default 24 hours; 5 seconds to 7 days.</value>
    [Range(typeof(TimeSpan), "00:00:05", "7.00:00:00")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a silo's or ProxyHost's certificate lives; cut to its issuer's expiry.</summary>
    /// <value>Default 24 hours; 5 seconds to 7 days.</value>
    [Range(typeof(TimeSpan), "00:00:05", "7.00:00:00")]
    public TimeSpan ControlPlaneLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long after its expiry the key of a leaf still renews.</summary>
    /// <value>Default 7 days; 0 to 90 days.</value>
    [Range(typeof(TimeSpan), "00:00:00", "90.00:00:00")]
    public TimeSpan RecoveryWindow { get; set; } = TimeSpan.FromDays(7);

    /// <summary>The longest life of a leaf, under either issuer.</summary>
    internal TimeSpan Longest => Lifetime > ControlPlaneLifetime ? Lifetime : ControlPlaneLifetime;
}

/// <summary>Compile-time validator for <see cref="LeafOptions"/>.</summary>
[OptionsValidator]
public sealed partial class LeafOptionsValidator : IValidateOptions<LeafOptions>;
