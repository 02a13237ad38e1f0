using System.Net;
using Mesh.Proxy.Admin;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Inbound;
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
    private readonly List<(SocketListener Listener, Func<System.Net.Sockets.Socket, CancellationToken, Task> Serve)> _traffic = [];
    private readonly SocketListener _admin;
    private readonly AdminListener _adminPages;

    /// <exception cref="IOException">An address can't be had; the message names it.</exception>
    public ProxyApp(ProxyOptions options, TimeProvider clock, ILoggerFactory logging)
    {
        (_options, _clock, _logger) = (options, clock, logging.CreateLogger<ProxyApp>());
        var folder = new EnrollmentFolder(options.Data);
        var identity = new WorkloadIdentity(folder, clock, options.TrustLease);
        var services = new ServiceDirectory(options.Outbound.Select(outbound => outbound.Service), clock, logging.CreateLogger<ServiceDirectory>());
        var (edges, refusals) = (new EdgeBook(), new RefusalCounters());
        var live = new LiveConnections(identity, refusals, logging.CreateLogger<LiveConnections>());
        var transport = new SslStreamTransport(chain => identity.Verify(chain), options.DetectTimeout, options.ConnectTimeout);

        _proxyHosts = new ProxyHostClient(identity, options.ProxyHosts, clock, logging.CreateLogger<ProxyHostClient>());
        _agent = new IdentityAgent(identity, _proxyHosts, folder, SourceOf(options, folder), clock, logging.CreateLogger<IdentityAgent>());
        _watch = new WatchLoop(identity, _proxyHosts, services, clock, logging.CreateLogger<WatchLoop>());
        _reporter = new Reporter(identity, _proxyHosts, edges, live, options.ReportInterval, clock, logging.CreateLogger<Reporter>());
        _lease = options.TrustLease is null ? null : new LeaseLoop(identity, _proxyHosts, live, clock, logging.CreateLogger<LeaseLoop>());
        _adminPages = new AdminListener(
            options.AdminListen.Port, identity, new MetricsPage(identity, edges, refusals, new CertificateGauges(identity, clock), clock.GetUtcNow()), edges);
        _admin = new SocketListener(options.AdminListen, MaxAdminConnections);
        foreach (var inbound in options.Inbound)
        {
            var listener = new InboundListener(inbound, identity, transport, live, edges, refusals, logging.CreateLogger<InboundListener>());
            Listen(inbound.Listen, listener.ServeAsync);
        }

        foreach (var outbound in options.Outbound)
        {
            var listener = new OutboundListener(
                outbound, identity, services, transport, live, edges, refusals, logging.CreateLogger<OutboundListener>());
            Listen(outbound.Listen, listener.ServeAsync);
        }
    }

    /// <summary>Runs until <paramref name="stopping"/>, then drains.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var ended = new CancellationTokenSource();
        Task[] background =
        [
            _agent.RunAsync(ended.Token), _watch.RunAsync(ended.Token), _reporter.RunAsync(ended.Token),
            _admin.RunAsync(socket => _adminPages.ServeAsync(socket, ended.Token), ended.Token),
            .. _lease is null ? Array.Empty<Task>() : [_lease.RunAsync(ended.Token)],
        ];
        // A proxy without listeners holds an identity, and ends no sooner for it.
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = stopping.Register(told.SetResult);
        var traffic = Task.WhenAll(_traffic.Select(listener =>
            listener.Listener.RunAsync(socket => ServeAsync(listener.Serve, socket, ended.Token), stopping)).Append(told.Task));
        // A loop that ends by itself has failed, and the process with it: whoever supervises it starts a new one.
        var first = await Task.WhenAny(background.Append(traffic));
        await first;
        await DrainAsync();
        await ended.CancelAsync();
        // What was cut off says so with RST, which takes a moment; the kernel would say FIN, which looks like a whole answer.
        await UntilClosedAsync(_clock.GetUtcNow() + TimeSpan.FromSeconds(1));
        await Task.WhenAll(background);
    }

    public void Dispose()
    {
        _proxyHosts.Dispose();
        _admin.Dispose();
        _traffic.ForEach(listener => listener.Listener.Dispose());
    }

    private static IEnrollmentSource SourceOf(ProxyOptions options, EnrollmentFolder folder) => options.JwtFile is { } jwtFile
        ? new JwtSource(jwtFile, options.Identity!, options.AnchorHashes, options.TrustBundleFile)
        : new JoinTokenSource(folder, options.TokenFile!);

    private void Listen(IPEndPoint address, Func<System.Net.Sockets.Socket, CancellationToken, Task> serve) =>
        _traffic.Add((new SocketListener(address, _options.MaxConnections), serve));

    private async Task ServeAsync(
        Func<System.Net.Sockets.Socket, CancellationToken, Task> serve, System.Net.Sockets.Socket socket, CancellationToken cancellationToken)
    {
        try
        {
            await serve(socket, cancellationToken);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            // One connection's fault ends that connection.
            Log.ConnectionFault(_logger, fault);
        }
    }

    private async Task DrainAsync()
    {
        var until = _clock.GetUtcNow() + _options.Drain;
        var open = _traffic.Sum(listener => listener.Listener.Open);
        Log.Draining(_logger, open, _options.Drain);
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

        [LoggerMessage(EventId = 5002, Level = LogLevel.Error, Message = "A connection failed in a way that nobody foresaw")]
        public static partial void ConnectionFault(ILogger logger, Exception fault);
    }
}
