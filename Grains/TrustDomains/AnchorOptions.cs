using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.TrustDomains;

/// <summary>Configuration section <c>Anchor</c>.</summary>
public sealed class AnchorOptions
{
    /// <summary>How long a trust anchor lives that the silo makes.</summary>
    /// <value>Default 3650 days; 1 hour to 7300 days.</value>
    [Range(typeof(TimeSpan), "01:00:00", "7300.00:00:00")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromDays(3650);

    /// <summary>Whether every bundle carries a second anchor that signs nothing, for the day the first one is stolen or lost.</summary>
    /// <value>Default true. Without it, revoking the only anchor means to enroll everyone again. Where the first anchor's key is elsewhere, the silo
    /// makes none: its key would be as good as the first one's. Then <see cref="StandbyCertificateFile"/> names it.</value>
    public bool Standby { get; set; } = true;

    /// <summary>The first anchor, where the silo is not to make it: one certificate in PEM. Read at the first start alone.</summary>
    /// <value>Default: the silo makes one. Without <see cref="KeyFile"/> the anchor is offline: the silo waits until its issuers are certified.</value>
    public string? CertificateFile { get; set; }

    /// <summary>That anchor's private key in PEM, mode 0600; sealed into the key store at the first start, and not needed after it.</summary>
    /// <value>Default: the key stays where it is.</value>
    public string? KeyFile { get; set; }

    /// <summary>The standby anchor, whose key stays where it is: one certificate in PEM. Read at the first start alone.</summary>
    /// <value>Default: the silo makes one, where it has the first anchor's key.</value>
    public string? StandbyCertificateFile { get; set; }
}

/// <summary>Compile-time validator for <see cref="AnchorOptions"/>.</summary>
[OptionsValidator]
public sealed partial class AnchorOptionsValidator : IValidateOptions<AnchorOptions>;

/// <summary>What attributes can't say of <see cref="AnchorOptions"/>.</summary>
internal sealed class AnchorFilesValidator : IValidateOptions<AnchorOptions>
{
    public ValidateOptionsResult Validate(string? name, AnchorOptions options) => options switch
    {
        { KeyFile: not null, CertificateFile: null } => ValidateOptionsResult.Fail("Anchor:KeyFile is the key of a certificate: name that too, with Anchor:CertificateFile."),
        { StandbyCertificateFile: not null, Standby: false } => ValidateOptionsResult.Fail("Anchor:StandbyCertificateFile names a standby anchor, and Anchor:Standby says that there is to be none."),
        _ => ValidateOptionsResult.Success,
    };
}
