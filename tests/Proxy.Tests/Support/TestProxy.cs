using System.Net;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Hosting;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Inbound;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Outbound;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Proxy.Tests.Support;

/// <summary>A proxy's data plane in this process: real sockets and TLS, and an identity that a test hands to it.</summary>
internal sealed class TestProxy : IAsyncDisposable
{
    private const string Service = "service.shop:8080";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-proxy-test-");
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<SocketListener> _listeners = [];
    private readonly List<Task> _running = [];
    private readonly LoopGroup _loops;
    private readonly InboundTransport _inbound;
    private readonly OutboundTransport _outbound;
    private readonly TimeSpan _detectTimeout;
    private readonly TestBundles _bundles;

    /// <summary>A proxy that has nothing yet.</summary>
    public TestProxy(TestTrustDomain domain, TestBundles bundles, TimeSpan? detectTimeout = null, TimeSpan? trustLease = null, int maxIdle = 8, int loops = 2, TimeSpan? connectTimeout = null)
    {
        _loops = new LoopGroup(loops);
        (Domain, _bundles) = (domain, bundles);
        Identity = new WorkloadIdentity(new EnrollmentFolder(_folder.FullName), Clock, trustLease);
        Live = new LiveConnections(Identity, Refusals, Log.Factory.CreateLogger<LiveConnections>());
        Services = new ServiceDirectory([Service], TimeProvider.System, Log.Factory.CreateLogger<ServiceDirectory>());
        _detectTimeout = detectTimeout ?? TimeSpan.FromSeconds(10);
        var contexts = new TlsContexts(maxIdle > 0 ? MeshProtocol.Wanted : MeshProtocol.WithoutStreams);
        _inbound = new InboundTransport(contexts, chain => Identity.Verify(chain), connectTimeout ?? TimeSpan.FromSeconds(5), Edges);
        _outbound = new OutboundTransport(contexts, connectTimeout ?? TimeSpan.FromSeconds(5), maxIdle);
    }

    public TestTrustDomain Domain { get; }

    public FakeTimeProvider Clock { get; } = new(TestTrustDomain.Now);

    public WorkloadIdentity Identity { get; }

    public LiveConnections Live { get; }

    public ServiceDirectory Services { get; }

    public EdgeBook Edges { get; } = new();

    /// <summary>Who may speak through an outbound listener; none is named: this process's own user.</summary>
    public NumberRanges Uids { get; set; } = NumberRanges.None;

    public RefusalCounters Refusals { get; } = new();

    public LogCapture Log { get; } = new();

    /// <summary>The sums of the one edge that it has seen; nothing, of no edge, before it has.</summary>
    public (EdgeKey Key, EdgeSnapshot Now) Edge => Edges.Snapshot().SingleOrDefault();

    public int Open => _listeners.Sum(listener => listener.Open);

    /// <summary>Hands it certificate, bundle and policy.</summary>
    public TestProxy MakeReady(SvidCredential credential, DefaultPolicy policy = DefaultPolicy.ClusterAuthenticated)
    {
        Identity.Use(credential);
        Identity.Bundles.AcceptFirst(_bundles.Sign(Domain.Bundle));
        Identity.Use(new WorkloadPolicy { Version = 1, DefaultPolicy = policy });
        return this;
    }

    /// <summary>Has it accept what its trust domain publishes next.</summary>
    public void Publish(Func<TrustBundle, TrustBundle> change) => Identity.Accept(
        _bundles.Sign(change(Identity.Bundles.Bundle with { Sequence = Identity.Bundles.Bundle.Sequence + 1 })).Jws);

    /// <summary>Opens the way in to an application.</summary>
    public IPEndPoint ListenInbound(IPEndPoint application, int maxConnections = 1_000)
    {
        var listener = new SocketListener(new IPEndPoint(IPAddress.Loopback, 0), maxConnections, _loops, TroublesOf("inbound"));
        var inbound = new InboundListener(
            new ExplicitPlace(new InboundOptions(listener.Address, application)),
            Identity, _inbound, _detectTimeout, Live, Edges, Refusals, TroublesOf("inbound"), Log.Factory.CreateLogger<InboundListener>());
        return Serve(listener, inbound.ServeAsync);
    }

    /// <summary>Opens the way out to a service with these endpoints.</summary>
    public IPEndPoint ListenOutbound(params (IPEndPoint Address, SpiffeId? Identity)[] endpoints)
    {
        var service = new Service { Name = Service, Version = 1 };
        service.Endpoints.AddRange(endpoints.Select(endpoint =>
            new Endpoint { Address = endpoint.Address.ToString(), SpiffeId = endpoint.Identity?.ToString() ?? "" }));
        Services.Update(service);
        var outbound = new OutboundListener(
            new OutboundOptions(new IPEndPoint(IPAddress.Loopback, 0), Service), Services,
            new OutboundCarrier(Identity, _outbound, Live, Edges, Refusals, TroublesOf("outbound"), Log.Factory.CreateLogger<OutboundCarrier>()),
            UidAdmission.For(Uids), Log.Factory.CreateLogger<OutboundListener>());
        return Serve(new SocketListener(new IPEndPoint(IPAddress.Loopback, 0), maxConnections: 1_000, _loops, TroublesOf("outbound")), outbound.ServeAsync);
    }

    /// <summary>What goes wrong and is no peer's doing, counted and logged here.</summary>
    public Troubles TroublesOf(string direction) => new(direction, Refusals, Clock, Log.Factory.CreateLogger<Troubles>());

    /// <summary>Closes what is kept for the next stream, as at a stop.</summary>
    public void CloseIdle() => _loops.PostAll(loop =>
    {
        _inbound.CloseIdle(loop);
        _outbound.CloseIdle(loop);
    });

    public long Refused(string direction, string reason) =>
        Refusals.Snapshot().SingleOrDefault(refusal => refusal.Direction == direction && refusal.Reason == reason).Count;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running);
        _loops.PostAll(loop => loop.AbortAll());
        await Eventually.EqualAsync(0, () => Open);
        _loops.Dispose();
        _listeners.ForEach(listener => listener.Dispose());
        _stopping.Dispose();
        _folder.Delete(recursive: true);
    }

    private IPEndPoint Serve(SocketListener listener, Func<LoopSocket, Task> serve)
    {
        var address = listener.Address;
        _listeners.Add(listener);
        _running.Add(listener.RunAsync(serve, _stopping.Token));
        return address;
    }
}
