using System.Net;
using Mesh.Proxy.Admin;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Inbound;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Outbound;
using Mesh.Proxy.Session;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Hosting;

/// <summary>Puts a proxy together and runs it until it is told to stop, then lets what is open come to its end.</summary>
internal sealed partial class ProxyApp : IDisposable
{
    private const int MaxAdminConnections = 64;

    private readonly ProxyOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<ProxyApp> _logger;
    private readonly ProxyHostClient _proxyHosts;
    private readonly IdentityAgent _agent;
    private readonly WatchLoop _watch;
    private readonly Reporter _reporter;
    private readonly LeaseLoop? _lease;
    private readonly LoopGroup _loops = new();
    private readonly InboundTransport _inbound;
    private readonly OutboundTransport _outbound;
    private readonly List<(SocketListener Listener, Func<LoopSocket, Task> Serve)> _traffic = [];
    private readonly List<OutboundListener> _explicit = [];
    private readonly SocketListener _admin;
    private readonly AdminListener _adminPages;

    /// <exception cref="IOException">An address can't be had, or the kernel does not tell whose a connection is; the message says which.</exception>
    public ProxyApp(ProxyOptions options, TimeProvider clock, ILoggerFactory logging)
    {
        (_options, _clock, _logger) = (options, clock, logging.CreateLogger<ProxyApp>());
        if (options.Outbound.Count > 0)
        {
            // Whose a client is must be known of each: better no start than a proxy that refuses everybody.
            SocketOwner.Open().Dispose();
        }

        var folder = new EnrollmentFolder(options.Data);
        var identity = new WorkloadIdentity(folder, clock, options.TrustLease);
        var services = new ServiceDirectory(options.Outbound.Select(outbound => outbound.Service), clock, logging.CreateLogger<ServiceDirectory>());
        var (edges, refusals) = (new EdgeBook(), new RefusalCounters());
        var live = new LiveConnections(identity, refusals, logging.CreateLogger<LiveConnections>());
        var contexts = new TlsContexts(options.MaxIdlePooled > 0 ? MeshProtocol.Wanted : MeshProtocol.WithoutStreams);
        _inbound = new InboundTransport(contexts, chain => identity.Verify(chain), options.ConnectTimeout, edges);
        _outbound = new OutboundTransport(contexts, options.ConnectTimeout, options.MaxIdlePooled);

        _proxyHosts = new ProxyHostClient(identity, options.ProxyHosts, clock, logging.CreateLogger<ProxyHostClient>());
        _agent = new IdentityAgent(identity, _proxyHosts, folder, SourceOf(options, folder), clock, logging.CreateLogger<IdentityAgent>());
        _watch = new WatchLoop(identity, _proxyHosts, services, clock, logging.CreateLogger<WatchLoop>());
        _reporter = new Reporter(identity, _proxyHosts, edges, live, options.ReportInterval, clock, logging.CreateLogger<Reporter>());
        _lease = options.TrustLease is null ? null : new LeaseLoop(identity, _proxyHosts, live, clock, logging.CreateLogger<LeaseLoop>());
        _adminPages = new AdminListener(
            options.AdminListen.Port, identity, contexts, new MetricsPage(identity, edges, refusals, new CertificateGauges(identity, clock), clock.GetUtcNow()), edges);
        Troubles TroublesOf(string direction) => new(direction, refusals, clock, logging.CreateLogger<Troubles>());
        var (inboundTroubles, outboundTroubles) = (TroublesOf("inbound"), TroublesOf("outbound"));
        _admin = new SocketListener(options.AdminListen, MaxAdminConnections, _loops, inboundTroubles);
        InboundListener Inbound(IInboundPlaces places) =>
            new(places, identity, _inbound, options.DetectTimeout, live, edges, refusals, inboundTroubles, logging.CreateLogger<InboundListener>());
        foreach (var inbound in options.Inbound)
        {
            Listen(inbound.Listen, inboundTroubles, Inbound(new ExplicitPlace(inbound)).ServeAsync);
        }

        var carrier = new OutboundCarrier(identity, _outbound, live, edges, refusals, outboundTroubles, logging.CreateLogger<OutboundCarrier>());
        foreach (var outbound in options.Outbound)
        {
            var listener = new OutboundListener(outbound, services, carrier, UidAdmission.For(outbound.Uids), logging.CreateLogger<OutboundListener>());
            _explicit.Add(listener);
            Listen(outbound.Listen, outboundTroubles, listener.ServeAsync);
        }

        if (options.Transparent is { } transparent)
        {
            var inbound = Inbound(new OriginalPlaces());
            foreach (var listen in transparent.Inbound.Where(IsToBeHad))
            {
                Listen(listen, inboundTroubles, inbound.ServeAsync);
            }

            var resolver = new DestinationResolver(
                services, new AddressLookup(identity, _proxyHosts, clock), clock, logging.CreateLogger<DestinationResolver>());
            var outbound = new TransparentOutbound(resolver, carrier);
            foreach (var listen in transparent.Outbound.Where(IsToBeHad))
            {
                Listen(listen, outboundTroubles, outbound.ServeAsync);
            }
        }
    }

    /// <summary>Runs until <paramref name="stopping"/>, then drains.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var ended = new CancellationTokenSource();
        Task[] background =
        [
            _agent.RunAsync(ended.Token), _watch.RunAsync(ended.Token), _reporter.RunAsync(ended.Token),
            _admin.RunAsync(_adminPages.ServeAsync, ended.Token),
            .. _lease is null ? Array.Empty<Task>() : [_lease.RunAsync(ended.Token)],
        ];
        // A proxy without listeners holds an identity, and ends no sooner for it.
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = stopping.Register(told.SetResult);
        var traffic = Task.WhenAll(_traffic.Select(listener =>
            listener.Listener.RunAsync(listener.Serve, stopping)).Append(told.Task));
        // A loop that ends by itself has failed, and the process with it: whoever supervises it starts a new one.
        var first = await Task.WhenAny(background.Append(traffic));
        await first;
        await DrainAsync();
        await ended.CancelAsync();
        _loops.PostAll(loop => loop.AbortAll());
        // What was cut off says so with RST, which takes a moment; the kernel would say FIN, which looks like a whole answer.
        await UntilClosedAsync(_clock.GetUtcNow() + TimeSpan.FromSeconds(1));
        await Task.WhenAll(background);
    }

    public void Dispose()
    {
        _proxyHosts.Dispose();
        _admin.Dispose();
        _traffic.ForEach(listener => listener.Listener.Dispose());
        _loops.Dispose();
        _explicit.ForEach(listener => listener.Dispose());
    }

    // A host without IPv6 has no IPv6 to be redirected.
    private static bool IsToBeHad(IPEndPoint listen) =>
        listen.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6 || System.Net.Sockets.Socket.OSSupportsIPv6;

    private static IEnrollmentSource SourceOf(ProxyOptions options, EnrollmentFolder folder) => options.JwtFile is { } jwtFile
        ? new JwtSource(jwtFile, options.Identity!, options.AnchorHashes, options.TrustBundleFile)
        : new JoinTokenSource(folder, options.TokenFile!);

    private void Listen(IPEndPoint address, Troubles troubles, Func<LoopSocket, Task> serve) =>
        _traffic.Add((new SocketListener(address, _options.MaxConnections, _loops, troubles), serve));

    private async Task DrainAsync()
    {
        var until = _clock.GetUtcNow() + _options.Drain;
        var open = _traffic.Sum(listener => listener.Listener.Open);
        Log.Draining(_logger, open, _options.Drain);
        _loops.PostAll(loop =>
        {
            _inbound.CloseIdle(loop);
            _outbound.CloseIdle(loop);
        });
        await UntilClosedAsync(until);
    }

    private async Task UntilClosedAsync(DateTimeOffset until)
    {
        while (_traffic.Sum(listener => listener.Listener.Open) > 0 && _clock.GetUtcNow() < until)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), _clock);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5001, Level = LogLevel.Information, Message = "Stopping: {Open} connections are open and have {Drain} to end")]
        public static partial void Draining(ILogger logger, int open, TimeSpan drain);
    }
}
