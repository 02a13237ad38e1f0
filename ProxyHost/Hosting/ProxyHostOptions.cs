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

    /// <summary>Connections at the most.</summary>
    /// <value>Default 10,000; 1 to 100,000. The process may need as many descriptors (<c>ulimit -n</c>), and a few hundred.</value>
    [Range(1, 100_000)]
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>Connections of one identity at the most.</summary>
    /// <value>Default 2,000; 1 to 100,000.</value>
    [Range(1, 100_000)]
    public int MaxConnectionsPerIdentity { get; set; } = 2_000;

    /// <summary>Connections at the most that have shown no certificate, or not yet.</summary>
    /// <value>Default 4,000; 1 to 100,000.</value>
    [Range(1, 100_000)]
    public int MaxUnprovenConnections { get; set; } = 4_000;

    /// <summary>Likewise, from one remote address: an IPv4 address, or a /64 of IPv6.</summary>
    /// <value>Default 1,000; 1 to 100,000.</value>
    [Range(1, 100_000)]
    public int MaxUnprovenConnectionsPerAddress { get; set; } = 1_000;

    /// <summary>How long a connection without a certificate may last.</summary>
    /// <value>Default 30 seconds; 1 second to 10 minutes.</value>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan UnprovenLifetime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Calls of one identity in a second, over all its connections; as many may come at once.</summary>
    /// <value>Default 2,000; 1 to 1,000,000. The default is a report a second from each of the connections that an identity may have.</value>
    [Range(1, 1_000_000)]
    public int CallsPerSecond { get; set; } = 2_000;

    /// <summary>Calls without a session in a second, in all: first contact, enrollment, recovery.</summary>
    /// <value>Default 500; 1 to 1,000,000.</value>
    [Range(1, 1_000_000)]
    public int EnrollmentsPerSecond { get; set; } = 500;

    /// <summary>Likewise, from one remote address.</summary>
    /// <value>Default 100; 1 to 1,000,000.</value>
    [Range(1, 1_000_000)]
    public int EnrollmentsPerSecondPerAddress { get; set; } = 100;

    /// <summary>Watch streams on one connection at the most.</summary>
    /// <value>Default 2, the second for one that has just broken; 1 to 16.</value>
    [Range(1, 16)]
    public int MaxWatchesPerConnection { get; set; } = 2;

    /// <summary>Watch streams of one identity at the most.</summary>
    /// <value>Default 2,000; 1 to 100,000.</value>
    [Range(1, 100_000)]
    public int MaxWatchesPerIdentity { get; set; } = 2_000;

    /// <summary>Different services that one identity watches at the most, over all its streams.</summary>
    /// <value>Default 1,024; 1 to 10,000.</value>
    [Range(1, 10_000)]
    public int MaxServicesPerIdentity { get; set; } = 1_024;

    /// <summary>How long a silo may take for a call. The call as a whole may take twice as long.</summary>
    /// <value>Default 10 seconds; 100 milliseconds to 1 minute.</value>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a proxy may leave its watch stream unread when it is owed more than 16 KiB. A connection that takes longer is ended.
    /// </summary>
    /// <value>Default 10 seconds; 100 milliseconds to 1 minute.</value>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromSeconds(10);

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
