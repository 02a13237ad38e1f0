using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;

namespace Mesh.ProxyHost.Hosting;

/// <summary>Configuration section <c>ProxyHost</c>.</summary>
public sealed class ProxyHostOptions
{
    /// <summary>The file that holds the join token, for the first start.</summary>
    /// <value>Required.</value>
    [Required(ErrorMessage = "ProxyHost:TokenFile is missing: name the file that holds the join token (mesh token create-proxyhost NAME).")]
    public string TokenFile { get; set; } = "";

    /// <summary>Where the last bundle and the token for the next start are kept.</summary>
    /// <value>Required. Created with mode 0700.</value>
    [Required(ErrorMessage = "ProxyHost:Data is missing: name the data folder.")]
    public string Data { get; set; } = "";

    /// <summary>Where proxies connect.</summary>
    /// <value>IP:PORT; default <c>127.0.0.1:8086</c>.</value>
    public string Listen { get; set; } = "127.0.0.1:8086";

    /// <summary>Where <c>/live</c>, <c>/ready</c> and <c>/metrics</c> are served in plaintext.</summary>
    /// <value>IP:PORT; default <c>127.0.0.1:9990</c>.</value>
    public string AdminListen { get; set; } = "127.0.0.1:9990";

    /// <summary>Connections of proxies at the most.</summary>
    /// <value>Default 10,000; 1 to 100,000.</value>
    [Range(1, 100_000)]
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>How long a stop waits for calls that are under way.</summary>
    /// <value>Default 5 seconds; 0 to 5 minutes.</value>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>Compile-time validator for <see cref="ProxyHostOptions"/>.</summary>
[OptionsValidator]
internal sealed partial class ProxyHostOptionsValidator : IValidateOptions<ProxyHostOptions>;

/// <summary>What attributes can't say of <see cref="ProxyHostOptions"/>.</summary>
internal sealed class ProxyHostAddressValidator : IValidateOptions<ProxyHostOptions>
{
    public ValidateOptionsResult Validate(string? name, ProxyHostOptions options)
    {
        var mistakes = new[] { ("Listen", options.Listen), ("AdminListen", options.AdminListen) }
            .Where(pair => !IPEndPoint.TryParse(pair.Item2, out var endpoint) || endpoint.Port == 0)
            .Select(pair => $"ProxyHost:{pair.Item1} '{pair.Item2}' is not IP:PORT.")
            .ToList();
        return mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);
    }
}
