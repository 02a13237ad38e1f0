using System.Net;
using Grpc.Core;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Identity;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Session;

/// <summary>Asks ProxyHosts what addresses mean, again until there is an answer or the time is up.</summary>
/// <remarks>A ProxyHost that has failed is left by whoever watches there; this asks the one that is in use.</remarks>
internal sealed class AddressLookup(WorkloadIdentity identity, ProxyHostClient proxyHosts, TimeProvider clock) : IAddressSource
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public async Task<ResolveAddressResponse?> ResolveAsync(IPEndPoint address, CancellationToken limit)
    {
        var request = new ResolveAddressRequest { Address = address.ToString() };
        while (!limit.IsCancellationRequested && identity.Credential is not null)
        {
            try
            {
                return await proxyHosts.Session().Client.ResolveAddressAsync(request, cancellationToken: limit);
            }
            catch (Exception e) when (e is RpcException or IOException or HttpRequestException or ObjectDisposedException or UnauthorizedAccessException)
            {
                await Task.Delay(Pause, clock, limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return null;
    }
}
