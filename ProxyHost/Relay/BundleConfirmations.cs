using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.ProxyHost.Enrollment;

namespace Mesh.ProxyHost.Relay;

/// <summary>The trust domain's word that its bundle is in force, asked for once a second at the most, however many proxies want it and whatever becomes of it.</summary>
internal sealed class BundleConfirmations(IGrainFactory grains, ProxyHostIdentity identity, TimeProvider clock)
{
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private Task<string>? _asked;
    private long _askedAt;

    /// <summary>Compact JWS; the silo's, which nobody here could make.</summary>
    public Task<string> GetAsync()
    {
        lock (_gate)
        {
            if (_asked is null || clock.GetElapsedTime(_askedAt) > GoodFor)
            {
                _askedAt = clock.GetTimestamp();
                _asked = grains.GetGrain<ITrustFeed>(identity.Bundle.TrustDomain.Name).ConfirmBundleAsync();
            }

            return _asked;
        }
    }
}
