using System.Net;
using Mesh.Grains.Certificates;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Admin;
using Mesh.Silo.Audit;
using Mesh.Silo.Hosting;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Awaiting;

/// <summary>
/// What a silo does while the keeper of its anchor has not certified its issuers: it has no certificate, so it serves nothing but the
/// admin socket, where the requests are read and the certificates handed in, and the probes.
/// </summary>
/// <remarks>Other silos of the cluster may be told first, so the store is looked at too.</remarks>
internal static partial class IssuerWait
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RemindEvery = TimeSpan.FromMinutes(10);

    /// <summary>The trust domain, once everything that signs is there.</summary>
    /// <param name="silo">The silo's own services: store, keys, options, audit log.</param>
    /// <param name="trust">The trust domain as it was read.</param>
    /// <param name="folder">Where the admin socket is.</param>
    /// <exception cref="OperationCanceledException">The silo was told to stop.</exception>
    public static async Task<TrustDomainState> UntilServingAsync(IServiceProvider silo, TrustDomainState trust, DataFolder folder)
    {
        var (clock, logger) = (silo.GetRequiredService<TimeProvider>(), silo.GetRequiredService<ILogger<TrustGenesis>>());
        if (trust.CanServe(clock.GetUtcNow()))
        {
            return trust;
        }

        await using var app = Build(silo, folder);
        await app.StartAsync();
        folder.CloseAdminSocketToOthers();
        await WatchAsync(silo, trust, clock, logger, app.Lifetime.ApplicationStopping);
        // Read again after the last call has been answered, whose change it may be.
        await app.StopAsync();
        return await silo.GetRequiredService<TrustGenesis>().ReadAsync(TrustDomainName.Parse(trust.Name));
    }

    private static async Task WatchAsync(IServiceProvider silo, TrustDomainState trust, TimeProvider clock, ILogger logger, CancellationToken stopping)
    {
        var (genesis, name) = (silo.GetRequiredService<TrustGenesis>(), TrustDomainName.Parse(trust.Name));
        DateTimeOffset? reminded = null;
        while (!trust.CanServe(clock.GetUtcNow()))
        {
            if (reminded is null || clock.GetUtcNow() - reminded > RemindEvery)
            {
                reminded = clock.GetUtcNow();
                Log.Waiting(logger, trust.Name, string.Join(", ", trust.Requests.Select(request => request.Use.Word())), trust.ActiveAnchor.KeyHash);
            }

            await Task.Delay(LookEvery, clock, stopping);
            trust = await genesis.ReadAsync(name);
        }
    }

    private static WebApplication Build(IServiceProvider silo, DataFolder folder)
    {
        var options = silo.GetRequiredService<IOptions<SiloOptions>>();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(silo.GetRequiredService<ILoggerFactory>());
        builder.Services.AddSingleton(silo.GetRequiredService<TimeProvider>());
        builder.Services.AddSingleton(silo.GetRequiredService<AuditLog>());
        builder.Services.AddSingleton(silo.GetRequiredService<AdminToken>());
        builder.Services.AddSingleton(silo.GetRequiredService<TrustGenesis>());
        builder.Services.AddSingleton(silo.GetRequiredService<IOptions<Mesh.Grains.Issuers.IssuerOptions>>());
        builder.Services.AddRouting();
        builder.Services.AddGrpc(grpc =>
        {
            grpc.Interceptors.Add<AuditInterceptor>();
            grpc.Interceptors.Add<AwaitingInterceptor>();
            grpc.Interceptors.Add<MeshErrorInterceptor>();
            grpc.MaxReceiveMessageSize = 64 * 1024;
        });
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddAuthentication(AdminAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, AdminAuthentication>(AdminAuthentication.SchemeName, null);
        builder.Services.AddAuthorization(authorization => authorization.DefaultPolicy =
            new AuthorizationPolicyBuilder(AdminAuthentication.SchemeName).RequireAuthenticatedUser().Build());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.UseAwaitingListeners(options.Value, folder));

        var app = builder.Build();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapGrpcService<AwaitingAdminService>().RequireAuthorization();
        app.MapGet("/live", () => "live\n");
        app.MapGet("/ready", () => Results.Text($"{AwaitingInterceptor.Reason}\n", statusCode: StatusCodes.Status503ServiceUnavailable));
        return app;
    }

    private static void UseAwaitingListeners(this KestrelServerOptions kestrel, SiloOptions options, DataFolder folder)
    {
        kestrel.AddServerHeader = false;
        kestrel.Listen(IPEndPoint.Parse(options.AdminListen), listen => listen.Protocols = HttpProtocols.Http1);
        kestrel.ListenAdminSocket(folder);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1501, Level = LogLevel.Warning, Message = "Trust domain {TrustDomain} cannot be served: keys ({Purposes}) wait for certificates of anchor {Anchor}, whose key is elsewhere. Sign what mesh issuer csr prints, and hand it in with mesh issuer install")]
        public static partial void Waiting(ILogger logger, string trustDomain, string purposes, KeyHash anchor);
    }
}
