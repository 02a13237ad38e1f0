using System.ComponentModel.DataAnnotations;
using System.Net;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Hosting;

/// <summary>Configuration section <c>Silo</c>.</summary>
public sealed class SiloOptions
{
    /// <summary>The data folder: store, key-encryption keys, admin socket.</summary>
    /// <value>Required. Created with mode 0700.</value>
    [Required(ErrorMessage = "Silo:Data is missing: name the data folder.")]
    public string Data { get; set; } = "";

    /// <summary>The trust domain that this silo serves. It can't change once the store has one.</summary>
    /// <value>Default <c>mesh.example</c>.</value>
    public string TrustDomain { get; set; } = "mesh.example";

    /// <summary>The silo's own name, the last part of its SPIFFE ID.</summary>
    /// <value>Default <c>silo-0</c>; a DNS label.</value>
    [RegularExpression("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", ErrorMessage = "Silo:Name must be a DNS label in lower case.")]
    public string Name { get; set; } = "silo-0";

    /// <summary>Where ProxyHosts enroll and the admin API is served over TLS.</summary>
    /// <value>IP:PORT; default <c>127.0.0.1:8443</c>.</value>
    public string HttpsListen { get; set; } = "127.0.0.1:8443";

    /// <summary>Where <c>/live</c>, <c>/ready</c> and <c>/metrics</c> are served in plaintext.</summary>
    /// <value>IP:PORT; default <c>127.0.0.1:9994</c>.</value>
    public string AdminListen { get; set; } = "127.0.0.1:9994";

    /// <summary>Where ProxyHosts are told to enroll.</summary>
    /// <value>https://HOST:PORT; default: as <see cref="HttpsListen"/>.</value>
    public string? EnrollmentAddress { get; set; }

    /// <summary>The address at which the other silos and the ProxyHosts reach Orleans' ports.</summary>
    /// <value>IP; default <c>127.0.0.1</c>, where nobody on another machine does.</value>
    public string AdvertisedAddress { get; set; } = "127.0.0.1";

    /// <summary>The address that Orleans' ports are bound to, and no other.</summary>
    /// <value>IP; default: as <see cref="AdvertisedAddress"/>. <c>0.0.0.0</c> binds to every interface.</value>
    public string? OrleansListen { get; set; }

    /// <summary>Orleans' port for silos.</summary>
    /// <value>Default 11111; 1 to 65535.</value>
    [Range(1, 65535)]
    public int SiloPort { get; set; } = 11111;

    /// <summary>Orleans' port for ProxyHosts.</summary>
    /// <value>Default 30000; 1 to 65535.</value>
    [Range(1, 65535)]
    public int GatewayPort { get; set; } = 30000;

    /// <summary>How long a stop waits for calls that are under way.</summary>
    /// <value>Default 5 seconds; 0 to 5 minutes.</value>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How large, in bytes, the audit log gets before the next file is begun.</summary>
    /// <value>Default 16 MiB; 64 KiB to 1 GiB.</value>
    [Range(64 * 1024, 1024 * 1024 * 1024)]
    public int AuditFileBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How many files of the audit log are kept, the one in use among them.</summary>
    /// <value>Default 16; 1 to 1000.</value>
    [Range(1, 1000)]
    public int AuditFiles { get; set; } = 16;

    /// <summary><see cref="TrustDomain"/>, read strictly.</summary>
    internal TrustDomainName TrustDomainName => TrustDomainName.Parse(TrustDomain);

    /// <summary>Where other silos reach this one.</summary>
    internal IPEndPoint SiloEndpoint => new(IPAddress.Parse(AdvertisedAddress), SiloPort);

    /// <summary>Where ProxyHosts reach this silo's grains.</summary>
    internal IPEndPoint GatewayEndpoint => new(IPAddress.Parse(AdvertisedAddress), GatewayPort);

    /// <summary>What Orleans' ports are bound to.</summary>
    internal IPAddress OrleansAddress => IPAddress.Parse(OrleansListen ?? AdvertisedAddress);

    /// <summary>Where ProxyHosts enroll.</summary>
    internal Uri EnrollmentUri => new(EnrollmentAddress ?? $"https://{HttpsListen}");

    /// <summary><see cref="EnrollmentUri"/> as https://HOST:PORT.</summary>
    internal string EnrollmentText => EnrollmentUri.GetLeftPart(UriPartial.Authority);
}

/// <summary>What attributes can't say.</summary>
[OptionsValidator]
internal sealed partial class SiloOptionsValidator : IValidateOptions<SiloOptions>;

/// <summary>What attributes can't say of <see cref="SiloOptions"/>.</summary>
internal sealed class SiloAddressValidator : IValidateOptions<SiloOptions>
{
    public ValidateOptionsResult Validate(string? name, SiloOptions options)
    {
        var mistakes = new List<string>();
        if (!TrustDomainName.TryParse(options.TrustDomain, out _, out var error))
        {
            mistakes.Add($"Silo:TrustDomain '{options.TrustDomain}' is not a trust domain: {error}");
        }

        foreach (var (key, value) in new[] { ("HttpsListen", options.HttpsListen), ("AdminListen", options.AdminListen) })
        {
            if (!IPEndPoint.TryParse(value, out var endpoint) || endpoint.Port == 0)
            {
                mistakes.Add($"Silo:{key} '{value}' is not IP:PORT.");
            }
        }

        foreach (var (key, value) in new[] { ("AdvertisedAddress", options.AdvertisedAddress), ("OrleansListen", options.OrleansListen) })
        {
            if (value is not null && !IPAddress.TryParse(value, out _))
            {
                mistakes.Add($"Silo:{key} '{value}' is not an IP address.");
            }
        }

        if (options.EnrollmentAddress is { } address && (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != "https"))
        {
            mistakes.Add($"Silo:EnrollmentAddress '{address}' is not https://HOST:PORT.");
        }

        return mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);
    }
}
