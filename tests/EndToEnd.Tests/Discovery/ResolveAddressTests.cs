using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Tests.Processes;
using AdminEndpoint = Mesh.Admin.V1.Endpoint;
using AdminService = Mesh.Admin.V1.Service;

namespace Mesh.EndToEnd.Tests.Discovery;

/// <summary>From what an operator says of a service to what a proxy is told of an address, through silo and ProxyHost.</summary>
public class ResolveAddressTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private MeshUnderTest Mesh => running.Mesh;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_address_is_a_service_an_endpoint_or_unknown_and_the_watch_says_when_a_service_has_lost_it()
    {
        using var credential = (await TestProxy.EnrollAsync(Mesh, "asking")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, credential);
        await SetAsync("ledger.shop:5432", ["10.96.1.7", "fd00::17"], "10.1.0.1:5432", "10.1.0.2:5432");

        var service = await ResolveAsync(proxy, "10.96.1.7:5432");
        var endpoint = await ResolveAsync(proxy, "10.1.0.2:5432");
        var unknown = await ResolveAsync(proxy, "10.96.1.7:80");

        Assert.Equal(ResolveAddressResponse.DestinationOneofCase.Service, service.DestinationCase);
        Assert.Equal(("ledger.shop:5432", 2), (service.Service.Name, service.Service.Endpoints.Count));
        Assert.Equal(["10.96.1.7", "fd00::17"], service.Service.Addresses);
        Assert.Equal(TimeSpan.FromMinutes(1), service.HoldsFor.ToTimeSpan());
        Assert.Equal(ResolveAddressResponse.DestinationOneofCase.Endpoint, endpoint.DestinationCase);
        Assert.Equal(
            ("ledger.shop:5432", "10.1.0.2:5432", Mesh.IdOf("ledger").ToString(), TimeSpan.FromSeconds(10)),
            (endpoint.Endpoint.Service, endpoint.Endpoint.Endpoint.Address, endpoint.Endpoint.Endpoint.SpiffeId, endpoint.HoldsFor.ToTimeSpan()));
        Assert.Equal((ResolveAddressResponse.DestinationOneofCase.None, TimeSpan.FromSeconds(5)), (unknown.DestinationCase, unknown.HoldsFor.ToTimeSpan()));

        var watch = new WatchRequest { BundleSequence = long.MaxValue, Services = { new ServiceVersion { Name = "ledger.shop:5432", Version = service.Service.Version } } };
        using var stream = proxy.Session.Watch(watch, cancellationToken: Cancel);
        await SetAsync("ledger.shop:5432", ["fd00::17"], "10.1.0.1:5432");
        while (await stream.ResponseStream.MoveNext(Cancel) && stream.ResponseStream.Current.Services.Count == 0)
        {
        }

        Assert.Equal(["fd00::17"], Assert.Single(stream.ResponseStream.Current.Services).Addresses);
        await Eventually.TrueAsync(
            async () => (await ResolveAsync(proxy, "10.96.1.7:5432")).DestinationCase == ResolveAddressResponse.DestinationOneofCase.None,
            "the address is nobody's");
    }

    [Fact]
    public async Task Two_services_with_one_address_are_refused_by_name_and_a_service_that_was_never_set_is_not_found()
    {
        await SetAsync("first.shop:80", ["10.96.2.1"]);

        var taken = await Assert.ThrowsAsync<RpcException>(() => SetAsync("second.shop:80", ["10.96.2.1"]));
        var missing = await Assert.ThrowsAsync<RpcException>(() => GetAsync("second.shop:80"));

        Assert.Equal(StatusCode.FailedPrecondition, taken.StatusCode);
        Assert.Contains("10.96.2.1:80 is an address of first.shop:80, and cannot be an address of second.shop:80", taken.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(StatusCode.NotFound, missing.StatusCode);
        Assert.Equal(["10.96.2.1"], (await GetAsync("first.shop:80")).Addresses);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.96.1.7")]
    [InlineData("10.96.1.7:0")]
    [InlineData("ledger.shop:5432")]
    [InlineData("1000000000000000000000000000000000000000000000000000000000000000000000:80")]
    public async Task What_is_no_address_is_refused(string address)
    {
        using var credential = (await TestProxy.EnrollAsync(Mesh, "asking-nonsense")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, credential);

        var refusal = await Assert.ThrowsAsync<RpcException>(() => ResolveAsync(proxy, address));

        Assert.Equal((StatusCode.InvalidArgument, "address is not IP:PORT."), (refusal.StatusCode, refusal.Status.Detail));
    }

    [Fact]
    public async Task Opaque_ports_reach_the_proxy_and_the_operator_sees_them()
    {
        using var credential = (await TestProxy.EnrollAsync(Mesh, "database")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, credential);
        using var stream = proxy.Session.Watch(new WatchRequest { BundleSequence = long.MaxValue }, cancellationToken: Cancel);
        Assert.Null((await NextPolicyAsync(stream)).OpaquePorts);

        await Mesh.Admin.SetOpaquePortsAsync(
            new SetOpaquePortsRequest { Namespace = MeshUnderTest.Namespace, ServiceAccount = "database", Ports = "9000-9100,25" }, cancellationToken: Cancel);

        Assert.Equal([(25u, 25u), (9000u, 9100u)], (await NextPolicyAsync(stream)).OpaquePorts.Ranges.Select(range => (range.First, range.Last)));
        var shown = await Mesh.Admin.GetWorkloadAsync(
            new GetWorkloadRequest { Namespace = MeshUnderTest.Namespace, ServiceAccount = "database" }, cancellationToken: Cancel);
        Assert.Equal("25,9000-9100", shown.OpaquePorts);
        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await Mesh.Admin.SetOpaquePortsAsync(
            new SetOpaquePortsRequest { Namespace = MeshUnderTest.Namespace, ServiceAccount = "database", Ports = "smtp" }, cancellationToken: Cancel));
        Assert.StartsWith("'smtp' is not a port", refusal.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<WorkloadPolicy> NextPolicyAsync(AsyncServerStreamingCall<WatchResponse> stream)
    {
        while (await stream.ResponseStream.MoveNext(Cancel) && stream.ResponseStream.Current.Policy is null)
        {
        }

        return stream.ResponseStream.Current.Policy!;
    }

    private static Task<ResolveAddressResponse> ResolveAsync(TestProxy proxy, string address) =>
        proxy.Session.ResolveAddressAsync(new ResolveAddressRequest { Address = address }, cancellationToken: Cancel).ResponseAsync;

    private Task<AdminService> GetAsync(string name) => Mesh.Admin.GetServiceAsync(new GetServiceRequest { Name = name }, cancellationToken: Cancel).ResponseAsync;

    private Task<AdminService> SetAsync(string name, string[] addresses, params string[] endpoints) => Mesh.Admin.SetServiceAsync(
        new SetServiceRequest
        {
            Name = name,
            Addresses = { addresses },
            Endpoints = { endpoints.Select(endpoint => new AdminEndpoint { Address = endpoint, SpiffeId = Mesh.IdOf("ledger").ToString() }) },
        },
        cancellationToken: Cancel).ResponseAsync;
}
