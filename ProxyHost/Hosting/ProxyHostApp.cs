using System.Net;
using System.Net.Security;
using System.Reflection;
using Mesh.Control.V1;
using Mesh.Grains.Interfaces.Transport;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.ProxyHost.Cluster;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Limits;
using Mesh.ProxyHost.Relay;
using Mesh.ProxyHost.Renewals;
using Mesh.ProxyHost.Sessions;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting.Compact;

namespace Mesh.ProxyHost.Hosting;

/// <summary>Puts a ProxyHost together and runs it: it enrolls first, then it is an Orleans client, then it serves proxies.</summary>
internal static class ProxyHostApp
{
    private static readonly SslApplicationProtocol[] Alpn = [SslApplicationProtocol.Http2];

    public static async Task RunAsync(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        var options = ReadOptions(builder);
        builder.Logging.ClearProviders();
        using var loggers = AddLogging(builder);
        var clock = TimeProvider.System;
        var folder = new EnrollmentFolder(options.Data);
        var identity = new ProxyHostIdentity(clock, folder);
        var silos = new KnownCluster();
        var cluster = await EnrollAsync(builder, options, folder, identity, silos, clock, loggers);

        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Services.AddSingleton(identity);
        builder.Services.AddSingleton<IControlPlaneIdentity>(identity);
        builder.Services.AddSingleton<BundleOffers>();
        builder.Services.AddMeshMetrics();
        builder.Services.AddSingleton<SessionInstruments>();
        AddLimits(builder.Services, options);
        builder.Services.AddSingleton<PeerConnections>();
        builder.Services.AddHostedService(services => services.GetRequiredService<PeerConnections>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Drain);
        AddOrleans(builder, cluster);
        builder.Services.AddSingleton<ClusterFollower>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ClusterFollower>());
        builder.Services.AddSingleton<MeshRelay>();
        builder.Services.AddSingleton<BundleConfirmations>();
        builder.Services.AddSingleton<AddressAnswers>();
        builder.Services.AddSingleton(services =>
            RenewalLanes.To(services.GetRequiredService<IGrainFactory>(), identity.Bundle.TrustDomain.Name, options.CallTimeout, clock));
        builder.Services.AddHostedService<RelayService>();
        builder.Services.AddGrpc(grpc =>
        {
            grpc.Interceptors.Add<MeshErrorInterceptor>();
            grpc.MaxReceiveMessageSize = RequestLimits.MaxMessageBytes;
        });
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options, identity));

        await using var app = builder.Build();
        app.Services.StartMeshMetrics();
        MapProbes(app, options);
        // Said here, routing comes after the probes have branched off; unsaid, it would come first.
        app.UseRouting();
        app.Use(next => http => app.Services.GetRequiredService<CallGate>().RunAsync(http, next));
        app.MapGrpcService<EnrollmentService>();
        app.MapGrpcService<ProxySessionService>();
        await app.RunAsync();
    }

    private static ProxyHostOptions ReadOptions(WebApplicationBuilder builder)
    {
        var section = builder.Configuration.GetSection("ProxyHost");
        var known = typeof(ProxyHostOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name).ToList();
        var mistakes = section.GetChildren()
            .Where(child => !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            .Select(child => $"ProxyHost:{child.Key} is not an option. ProxyHost has: {string.Join(", ", known.Order())}.")
            .ToList();
        var options = section.Get<ProxyHostOptions>() ?? new ProxyHostOptions();
        foreach (var validator in new IValidateOptions<ProxyHostOptions>[] { new ProxyHostOptionsValidator(), new ProxyHostAddressValidator() })
        {
            mistakes.AddRange(validator.Validate(null, options).Failures ?? []);
        }

        return mistakes.Count == 0 ? options : throw new OptionsValidationException("ProxyHost", typeof(ProxyHostOptions), mistakes);
    }

    // The same log before the host is built and after: enrollment speaks first.
    private static SerilogLoggerFactory AddLogging(WebApplicationBuilder builder)
    {
        var logger = new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            // It writes a stack trace for each message that cannot be read; the call gate counts those, and the interceptor logs faults.
            .MinimumLevel.Override("Grpc", LogEventLevel.Fatal)
            .MinimumLevel.Override("Orleans", LogEventLevel.Error)
            .WriteTo.Console(new CompactJsonFormatter())
            .CreateLogger();
        builder.Services.AddSerilog(logger);
        return new SerilogLoggerFactory(logger, dispose: true);
    }

    // What the silo answers says where the grains are, so the rest of the host is built after it.
    private static async Task<CertifyResponse> EnrollAsync(
        WebApplicationBuilder builder, ProxyHostOptions options, EnrollmentFolder folder, ProxyHostIdentity identity, KnownCluster silos,
        TimeProvider clock, ILoggerFactory loggers)
    {
        builder.Services.AddSingleton(folder);
        builder.Services.AddSingleton(silos);
        var client = new EnrollmentClient(identity, folder, silos, options.TokenFile, clock, loggers.CreateLogger<EnrollmentClient>());
        builder.Services.AddSingleton(client);
        builder.Services.AddSingleton<EnrollmentAgent>();
        builder.Services.AddHostedService(services => services.GetRequiredService<EnrollmentAgent>());

        using var stopping = new CancellationTokenSource();
        using var terminate = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGTERM, signal => Cancel(signal, stopping));
        using var interrupt = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGINT, signal => Cancel(signal, stopping));
        using var agent = new EnrollmentAgent(client, identity, folder, clock, loggers.CreateLogger<EnrollmentAgent>());
        return await agent.EnrollAsync(stopping.Token);
    }

    private static void Cancel(System.Runtime.InteropServices.PosixSignalContext signal, CancellationTokenSource stopping)
    {
        signal.Cancel = true;
        stopping.Cancel();
    }

    private static void AddLimits(IServiceCollection services, ProxyHostOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<LogGate>();
        services.AddSingleton<Refusals>();
        services.AddSingleton<ConnectionGate>();
        services.AddSingleton<CallRates>();
        services.AddSingleton<CallGate>();
        services.AddSingleton<ServiceQuota>();
        services.AddHostedService<KestrelRefusals>();
    }

    private static void AddOrleans(WebApplicationBuilder builder, CertifyResponse cluster)
    {
        builder.Services.AddSingleton<TransportInstruments>();
        builder.Services.AddSingleton<MeshTransport>();
        builder.UseOrleansClient(client =>
        {
            client.Services.AddSingleton<IGatewayListProvider, KnownGateways>();
            client.AddGatewayCountChangedHandler(services => (_, change) =>
            {
                if (change.NumberOfConnectedGateways < change.PreviousNumberOfConnectedGateways)
                {
                    services.GetRequiredService<ClusterFollower>().PollAgain();
                }
            });
            client.Configure<ClusterOptions>(orleans => (orleans.ClusterId, orleans.ServiceId) = (cluster.ClusterId, cluster.ServiceId));
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));
            client.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(10));
            client.UseConnectionRetryFilter(async (_, cancellationToken) =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, cancellationToken);
                return true;
            });
        });
        builder.Services.AddSingleton<IConfigureOptions<ClientConnectionOptions>>(services => new ConfigureOptions<ClientConnectionOptions>(
            connections =>
            {
                var transport = services.GetRequiredService<MeshTransport>();
                transport.ServerRefused += services.GetRequiredService<EnrollmentAgent>().CatchUp;
                connections.ConfigureConnection(transport.ConnectToGateways);
            }));
    }

    private static void Listen(KestrelServerOptions kestrel, ProxyHostOptions options, ProxyHostIdentity identity)
    {
        kestrel.AddServerHeader = false;
        // For the probes' port, and a backstop for the proxies': the connection gate there refuses and counts before.
        kestrel.Limits.MaxConcurrentConnections = 2 * options.MaxConnections;
        // gRPC refuses a message that is too long by the length that it announces; what is under way meanwhile, the windows bound.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.Http2.InitialStreamWindowSize = 2 * RequestLimits.MaxMessageBytes;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 4 * RequestLimits.MaxMessageBytes;
        // What is kept for a stream that is not read; a write that would be more waits, and not for long.
        kestrel.Limits.MaxResponseBufferSize = 16 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 16;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Listen(IPEndPoint.Parse(options.Listen), listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(next => connection => kestrel.ApplicationServices.GetRequiredService<ConnectionGate>().RunAsync(connection, next));
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                HandshakeTimeout = TimeSpan.FromSeconds(10),
                OnConnection = handshake =>
                {
                    var peers = kestrel.ApplicationServices.GetRequiredService<PeerConnections>();
                    return ValueTask.FromResult(SvidTls.Server(identity.Credential, chain => peers.Check(handshake.Connection, chain), Alpn));
                },
            });
        });
        kestrel.Listen(IPEndPoint.Parse(options.AdminListen), listen => listen.Protocols = HttpProtocols.Http1);
    }

    // By the port that a request came in at, which it can't choose as it can its Host header.
    private static void MapProbes(WebApplication app, ProxyHostOptions options) => app.MapWhen(
        context => context.Connection.LocalPort == IPEndPoint.Parse(options.AdminListen).Port,
        probes => probes.UseRouting().UseEndpoints(endpoints =>
        {
            endpoints.MapGet("/live", () => "live\n");
            endpoints.MapGet("/ready", (MeshRelay relay) => relay.IsConnected
                ? Results.Text("ready\n")
                : Results.Text("no silo has answered yet\n", statusCode: StatusCodes.Status503ServiceUnavailable));
            endpoints.MapPrometheusScrapingEndpoint("/metrics");
        }));
}
