using Mesh.Proxy.Discovery;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Loops;

namespace Mesh.Proxy.Outbound;

/// <summary>From the application to wherever it was going before the kernel brought it here.</summary>
internal sealed class TransparentOutbound(DestinationResolver resolver, OutboundCarrier carrier)
{
    /// <summary>Why a connection is refused that was not brought here: it was made to the proxy itself.</summary>
    private const string NotRedirected = "not_redirected";

    public Task ServeAsync(LoopSocket application) => carrier.ServeAsync(application, async (socket, credential) =>
    {
        if (OriginalDestination.Of(socket.Descriptor) is not { } original)
        {
            carrier.Refuse(NotRedirected);
            return false;
        }

        var destination = await resolver.ResolveAsync(original, CancellationToken.None);
        if (socket.IsGone)
        {
            return false;
        }

        switch (destination)
        {
            case { Kind: DestinationKind.Unknown }:
                return await carrier.PassAsync(socket, original);
            case { Endpoints: { } endpoints }:
                return await carrier.CarryAsync(socket, credential, new ServicePort(destination.ServiceName, original.Port), endpoints);
            default:
                carrier.Refuse(Destination.NotResolvedReason);
                return false;
        }
    });
}
