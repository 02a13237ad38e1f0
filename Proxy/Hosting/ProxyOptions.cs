using System.Net;
using Mesh.Proxy.Interception;
using Mesh.Spiffe;

namespace Mesh.Proxy.Hosting;

/// <summary>Configuration section <c>Proxy</c>, read by <see cref="ProxyOptionsReader"/>.</summary>
internal sealed record ProxyOptions
{
    /// <summary>The file that holds the join token, for the first start. Required, or <see cref="JwtFile"/>.</summary>
    public string? TokenFile { get; init; }

    /// <summary>The file that holds a JWT of an OIDC issuer that the silos know; read again at each enrollment. Instead of a token file.</summary>
    public string? JwtFile { get; init; }

    /// <summary>The workload's SPIFFE ID. Required with <see cref="JwtFile"/>; a join token says it itself.</summary>
    public SpiffeId? Identity { get; init; }

    /// <summary>The trust bundle whose anchors first contact may trust. This or <see cref="AnchorHashes"/> with <see cref="JwtFile"/>.</summary>
    public string? TrustBundleFile { get; init; }

    /// <summary>The key hashes of those anchors, one to eight.</summary>
    public IReadOnlyList<KeyHash> AnchorHashes { get; init; } = [];

    /// <summary>Where the last bundle and the token for the next start are kept. Required; created with mode 0700.</summary>
    public required string Data { get; init; }

    /// <summary>Where ProxyHosts listen; default: the addresses that the token names. Required with <see cref="JwtFile"/>.</summary>
    public IReadOnlyList<Uri> ProxyHosts { get; init; } = [];

    /// <summary>Listeners for the mesh, each in front of one port of the application.</summary>
    public IReadOnlyList<InboundOptions> Inbound { get; init; } = [];

    /// <summary>Listeners for the application, each for one service.</summary>
    public IReadOnlyList<OutboundOptions> Outbound { get; init; } = [];

    /// <summary>Listeners for what <c>Proxy init</c> redirects; null, the default: there are none.</summary>
    public TransparentOptions? Transparent { get; init; }

    /// <summary>Where <c>/live</c>, <c>/ready</c> and <c>/metrics</c> are served; default 127.0.0.1:4191.</summary>
    public IPEndPoint AdminListen { get; init; } = new(IPAddress.Loopback, 4191);

    /// <summary>How often edges are reported; default 1 second, 100 ms to 1 minute.</summary>
    public TimeSpan ReportInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long open connections may go on after SIGTERM; default 30 seconds, 0 to 1 hour.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the trust bundle is trusted without the control plane's word that it is in force; null, the default: until the
    /// workload's certificate ends. 5 seconds to 7 days.</summary>
    public TimeSpan? TrustLease { get; init; }

    /// <summary>How long a client may take to say what it speaks; default 10 seconds, 100 ms to 1 minute.</summary>
    public TimeSpan DetectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a TCP connect may take; default 5 seconds, 100 ms to 1 minute.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>Pooling:MaxIdle</c>: TLS connections that an event loop keeps for the next stream to an endpoint; default 64, 0 (none, and each
    /// connection of the application shakes hands) to 10,000.</summary>
    public int MaxIdlePooled { get; init; } = 64;

    /// <summary>Connections at once, inbound and outbound each; default 10,000, 1 to 1,000,000.</summary>
    public int MaxConnections { get; init; } = 10_000;
}

/// <summary>An inbound listener: the mesh on one side, the application on the other.</summary>
internal sealed record InboundOptions(IPEndPoint Listen, IPEndPoint Application);

/// <summary>An outbound listener: the application on one side, a service on the other.</summary>
/// <param name="Listen">Where the application connects.</param>
/// <param name="Service">NAME.NAMESPACE:PORT.</param>
internal sealed record OutboundOptions(IPEndPoint Listen, string Service)
{
    /// <summary>The users of this machine that may connect here; none, the default: the proxy's own alone.</summary>
    public NumberRanges Uids { get; init; } = NumberRanges.None;

    public int ServicePort => int.Parse(Service.AsSpan(Service.LastIndexOf(':') + 1), provider: null);
}

/// <summary>Listeners for connections that were on their way elsewhere.</summary>
internal sealed record TransparentOptions
{
    /// <summary>Where the application's connections arrive; default 127.0.0.1:4140 and [::1]:4140, for that is where the kernel redirects to.</summary>
    public IReadOnlyList<IPEndPoint> Outbound { get; init; } = [new(IPAddress.Loopback, InterceptionPorts.Outbound), new(IPAddress.IPv6Loopback, InterceptionPorts.Outbound)];

    /// <summary>Where connections from outside arrive; default 0.0.0.0:4143 and [::]:4143, for the kernel redirects to the address of the interface.</summary>
    public IReadOnlyList<IPEndPoint> Inbound { get; init; } = [new(IPAddress.Any, InterceptionPorts.Inbound), new(IPAddress.IPv6Any, InterceptionPorts.Inbound)];
}
