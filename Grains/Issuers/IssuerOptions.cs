using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.Issuers;

/// <summary>Configuration section <c>Issuer</c>.</summary>
public sealed class IssuerOptions
{
    /// <summary>How long an issuer lives; cut to its anchor's expiry.</summary>
    /// <value>Default 30 days; 1 minute to 365 days.</value>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>The share of an issuer's life after which its successor is made.</summary>
    /// <value>Default 0.6; 0.1 to 0.9. What is left must hold the longest life of a leaf, or leaves are cut to it.</value>
    [Range(0.1, 0.9)]
    public double RotateAt { get; set; } = 0.6;

    /// <summary>How long a successor is published before it signs, so that everybody has heard of it.</summary>
    /// <value>Default 1 minute; 1 second to 1 day. Never more than a tenth of the issuer's life.</value>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan PublishFor { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How often issuers compare themselves with the trust domain unasked.</summary>
    /// <value>Default 5 minutes; 1 minute (the least that an Orleans reminder can do) to 1 hour.</value>
    [Range(typeof(TimeSpan), "00:01:00", "01:00:00")]
    public TimeSpan ReconcilePeriod { get; set; } = TimeSpan.FromMinutes(5);
}

/// <summary>Compile-time validator for <see cref="IssuerOptions"/>.</summary>
[OptionsValidator]
public sealed partial class IssuerOptionsValidator : IValidateOptions<IssuerOptions>;
