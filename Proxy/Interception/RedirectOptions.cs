using System.Net;

namespace Mesh.Proxy.Interception;

/// <summary>What <see cref="RedirectRules"/> are made from.</summary>
/// <param name="ProxyUid">The user that the proxy runs as, and nobody else; 1 to 4294967294. Its own connections are not redirected.</param>
internal sealed record RedirectOptions(uint ProxyUid)
{
    /// <summary>The proxy's listener for redirected outbound connections.</summary>
    public int OutboundPort { get; init; } = InterceptionPorts.Outbound;

    /// <summary>The proxy's listener for redirected inbound connections.</summary>
    public int InboundPort { get; init; } = InterceptionPorts.Inbound;

    /// <summary>The proxy's admin port, which is reached as it is.</summary>
    public int AdminPort { get; init; } = InterceptionPorts.Admin;

    /// <summary>Ports of the application that are reached without the proxy.</summary>
    public NumberRanges SkipInboundPorts { get; init; } = NumberRanges.None;

    /// <summary>Ports of others that the application reaches without the proxy.</summary>
    public NumberRanges SkipOutboundPorts { get; init; } = NumberRanges.None;

    /// <summary>Peers that reach the application, and are reached by it, without the proxy; IPv4 and IPv6, none inside another.</summary>
    public IReadOnlyList<IPNetwork> SkipSubnets { get; init; } = [];
}
