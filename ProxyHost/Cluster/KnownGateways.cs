using Orleans.Messaging;

namespace Mesh.ProxyHost.Cluster;

/// <summary>Tells Orleans' client which gateways there are.</summary>
internal sealed class KnownGateways(KnownCluster cluster) : IGatewayListProvider
{
    /// <summary>How long a gateway that failed is left alone.</summary>
    public TimeSpan MaxStaleness => TimeSpan.FromSeconds(2);

    [Obsolete("Orleans does not ask any more.")]
    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => Task.CompletedTask;

    public Task<IList<Uri>> GetGateways() => Task.FromResult<IList<Uri>>(
        [.. cluster.Gateways.Select(endpoint => SiloAddress.New(endpoint, 0).ToGatewayUri())]);
}
