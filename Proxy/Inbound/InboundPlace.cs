using System.Net;
using Mesh.Proxy.Hosting;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Loops;

namespace Mesh.Proxy.Inbound;

/// <summary>Which port of the application a connection is for.</summary>
/// <param name="Port">The application's, for metrics.</param>
/// <param name="AskedPort">The one that the connection was made to: a stream may name it, and no other.</param>
/// <param name="Application">Where the application is.</param>
/// <param name="From">The address that the proxy comes from; null: whichever the kernel takes.</param>
internal sealed record InboundPlace(int Port, int AskedPort, IPEndPoint Application, IPAddress? From);

/// <summary>Knows which port of the application a connection is for.</summary>
internal interface IInboundPlaces
{
    /// <returns>Null: none, and the connection is refused.</returns>
    InboundPlace? Of(LoopSocket client);
}

/// <summary>A listener in front of one port of the application.</summary>
internal sealed class ExplicitPlace(InboundOptions options) : IInboundPlaces
{
    private readonly InboundPlace _place = new(options.Application.Port, options.Listen.Port, options.Application, null);

    public InboundPlace Of(LoopSocket client) => _place;
}

/// <summary>
/// A listener for what the kernel brings: the application is where the connection was going. The proxy comes to it from loopback, by which the
/// kernel knows it and leaves the connection alone; and from loopback nothing leaves this host, wherever the connection claims to go.
/// </summary>
internal sealed class OriginalPlaces : IInboundPlaces
{
    public InboundPlace? Of(LoopSocket client) => OriginalDestination.Of(client.Descriptor) is { } original
        ? new InboundPlace(
            original.Port, original.Port, original,
            original.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback)
        : null;
}
