using System.Collections.Immutable;
using Mesh.Grains.Commits;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Services;
using Microsoft.Extensions.Logging;

namespace Mesh.Grains.Services;

/// <inheritdoc cref="IServiceCatalogGrain"/>
/// <remarks>Keeps the names alone. Which address belongs to which service is read from the services, once an activation.</remarks>
[GrainType("service-catalog"), KeepAlive]
internal sealed partial class ServiceCatalogGrain(
    [PersistentState("service-catalog")] IPersistentState<ServiceCatalogState> stored, ILogger<ServiceCatalogGrain> logger)
    : Grain, IServiceCatalogGrain, IAddressFeed
{
    private const int MaxServices = 10_000;
    private const int MaxAddresses = 1_000_000;
    private const int MaxServicesAtOneAddress = 64;
    private const int ReadAtOnce = 256;

    private ImmutableSortedSet<string> _committed = [];
    private Task<ServiceAddressIndex>? _index;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _committed = stored.State.Names.ToImmutableSortedSet(StringComparer.Ordinal);
        return Task.CompletedTask;
    }

    public Task<ImmutableArray<string>> ListAsync() => Task.FromResult(_committed.ToImmutableArray());

    public async Task AddAsync(string service)
    {
        ServiceName.Check(service);
        var next = _committed.Add(service);
        if (next == _committed)
        {
            return;
        }

        if (next.Count > MaxServices)
        {
            throw new MeshException(MeshError.LimitReached, $"A trust domain has at most {MaxServices} services.");
        }

        await this.CommitAsync(stored, new ServiceCatalogState { Names = [.. next] });
        _committed = next;
    }

    public async Task<ServiceSnapshot> SetAsync(string service, ServiceDefinition definition)
    {
        ServiceName.Check(service);
        var wanted = ServiceRules.Checked(definition);
        var claims = ServiceAddressIndex.ClaimsOf(service, wanted).ToList();
        var index = await IndexAsync();
        await CheckFreeAsync(index, service, claims);
        // A listed service without endpoints is seen, an unlisted one with endpoints is not.
        await AddAsync(service);
        // Said before it is so: where the write's outcome stays unknown, its addresses are looked for at the service, which knows.
        index.Add(service, claims);
        var set = await ServiceOf(service).ReplaceAsync(wanted);
        index.Put(set);
        return set;
    }

    public async Task<ResolvedAddress> ResolveAsync(string address)
    {
        var key = AddressKey.Parse(address);
        var claims = (await IndexAsync()).Find(key);
        (ResolvedEndpoint? endpoint, long version) = (null, -1);
        foreach (var claim in claims.OrderByDescending(claim => claim.IsVirtual).ThenBy(claim => claim.Service, StringComparer.Ordinal))
        {
            var service = await ServiceOf(claim.Service).GetAsync();
            if (claim.IsVirtual && ServiceAddressIndex.IsAddressOf(service, key))
            {
                return new ResolvedAddress(service, null);
            }

            // An address that has changed hands is that of who was set last.
            if (!claim.IsVirtual && service.Version > version && ServiceAddressIndex.EndpointOf(service, key) is { } found)
            {
                (endpoint, version) = (new ResolvedEndpoint(service.Name, found), service.Version);
            }
        }

        return new ResolvedAddress(null, endpoint);
    }

    private IServiceGrain ServiceOf(string name) => GrainFactory.GetGrain<IServiceGrain>(name);

    // An endpoint may be that of several services. What is the address of a service itself is nothing else.
    private async Task CheckFreeAsync(ServiceAddressIndex index, string service, IReadOnlyCollection<(AddressKey Key, AddressClaim Claim)> claims)
    {
        foreach (var (key, claim) in claims)
        {
            var others = index.Find(key).RemoveAll(other => other.Service == service);
            foreach (var other in others.Where(other => claim.IsVirtual || other.IsVirtual))
            {
                var holder = await ServiceOf(other.Service).GetAsync();
                if (other.IsVirtual ? ServiceAddressIndex.IsAddressOf(holder, key) : ServiceAddressIndex.EndpointOf(holder, key) is not null)
                {
                    throw new MeshException(
                        MeshError.Conflict,
                        $"{key} is {(other.IsVirtual ? "an address" : "an endpoint")} of {other.Service}, and cannot be {(claim.IsVirtual ? "an address" : "an endpoint")} of {service}. Take it from there first.");
                }
            }

            if (others.Select(other => other.Service).Distinct().Count() >= MaxServicesAtOneAddress)
            {
                throw new MeshException(MeshError.LimitReached, $"{key} is an endpoint of {MaxServicesAtOneAddress} services already.");
            }
        }

        if (index.Count + claims.Count(claim => index.Find(claim.Key).IsEmpty) > MaxAddresses)
        {
            throw new MeshException(MeshError.LimitReached, $"A trust domain's services and endpoints have at most {MaxAddresses} addresses.");
        }
    }

    private Task<ServiceAddressIndex> IndexAsync() => _index is { IsFaulted: false, IsCanceled: false } index ? index : _index = ReadIndexAsync();

    private async Task<ServiceAddressIndex> ReadIndexAsync()
    {
        var index = new ServiceAddressIndex();
        foreach (var names in _committed.Chunk(ReadAtOnce))
        {
            foreach (var service in await Task.WhenAll(names.Select(name => ServiceOf(name).GetAsync())))
            {
                index.Put(service);
            }
        }

        Log.IndexRead(logger, _committed.Count, index.Count);
        return index;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2501, Level = LogLevel.Information, Message = "{Services} services have {Addresses} addresses, their endpoints' included")]
        public static partial void IndexRead(ILogger logger, int services, int addresses);
    }
}

/// <summary>Persisted by <see cref="ServiceCatalogGrain"/>.</summary>
[GenerateSerializer, Immutable, Alias("mesh.service-catalog-state")]
internal sealed record ServiceCatalogState
{
    [Id(0)]
    public ImmutableArray<string> Names { get; init; } = [];
}
