using Mesh.Grains.Interfaces.Errors;
using Mesh.ProxyHost.Hosting;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Limits;

/// <summary>
/// How many different services one identity watches, over all its proxies. Each is a feed of this ProxyHost and a grain at the
/// silos, and one workload must not use up what there is for all.
/// </summary>
internal sealed class ServiceQuota(ProxyHostOptions options)
{
    private readonly Dictionary<SpiffeId, Dictionary<string, int>> _watched = [];
    private readonly Lock _gate = new();

    /// <exception cref="MeshException"><see cref="MeshError.LimitReached"/>: the identity watches as many as it may.</exception>
    public void Take(SpiffeId id, string service)
    {
        lock (_gate)
        {
            var services = _watched.TryGetValue(id, out var known) ? known : [];
            if (!services.ContainsKey(service) && services.Count >= options.MaxServicesPerIdentity)
            {
                throw new MeshException(
                    MeshError.LimitReached, $"{id} watches {services.Count} services already; more are not followed for one identity.");
            }

            services[service] = services.GetValueOrDefault(service) + 1;
            _watched[id] = services;
        }
    }

    public void Return(SpiffeId id, string service)
    {
        lock (_gate)
        {
            var services = _watched[id];
            if (--services[service] == 0)
            {
                services.Remove(service);
            }

            if (services.Count == 0)
            {
                _watched.Remove(id);
            }
        }
    }
}
