namespace Mesh.Proxy.Discovery;

/// <summary>The endpoints of a service as they were pushed. Immutable; what is known of each endpoint outlives it.</summary>
internal sealed class EndpointSet(ServiceEndpoint[] endpoints, EndpointClock clock)
{
    private readonly ServiceEndpoint[] _endpoints = endpoints;

    public ReadOnlySpan<ServiceEndpoint> Endpoints => _endpoints;

    public int Count => _endpoints.Length;

    public long Now => clock.Now;

    /// <summary>Endpoints for one connection, one after the other until one is reached.</summary>
    public EndpointChoices Choose() => new(this);
}
