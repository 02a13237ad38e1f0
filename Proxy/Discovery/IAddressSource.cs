using System.Net;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Discovery;

/// <summary>Who knows what addresses mean.</summary>
internal interface IAddressSource
{
    /// <summary>Asks; null where nobody has answered before <paramref name="limit"/>.</summary>
    /// <param name="address">What the application connects to.</param>
    /// <param name="limit">Ends the wait.</param>
    Task<ResolveAddressResponse?> ResolveAsync(IPEndPoint address, CancellationToken limit);
}
