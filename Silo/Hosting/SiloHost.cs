using System.Net;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Transport;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Issuers;
using Mesh.Grains.Keys;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Admin;
using Mesh.Silo.Audit;
using Mesh.Silo.Awaiting;
using Mesh.Silo.Backups;
using Mesh.Silo.Enrollment;
using Mesh.Silo.Identity;
using Mesh.Silo.Keys;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Orleans.Dashboard;

namespace Mesh.Silo.Hosting;

/// <summary>Puts a silo together and runs it: folder, store, keys, trust domain, its own certificate, then Orleans and its listeners.</summary>
internal static class SiloHost
{
    // A thousand workloads with the longest names and descriptions.
    private const int MaxAdminMessageBytes = 2 * 1024 * 1024;

    public static async Task RunAsync(string[] args)
    {
        var builder = SiloSetup.CreateBuilder(args);
        var (options, storeOptions) = SiloSetup.ReadOptions(builder);
        using var loggers = SiloSetup.AddLogging(builder, onStderr: false);
        await using var store = await SiloStore.OpenAsync(options, storeOptions, loggers);
        await StoreRestore.EnsureFinishedAsync(store.Database, CancellationToken.None);
        await store.LoadKeysAsync(mayCreate: true);
        var (folder, database) = (store.Folder, store.Database);

        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddStore(store);
        builder.Services.AddSingleton(store.KeyEncryption.CallSecret);
        builder.Services.AddSingleton<SiloIdentity>();
        builder.Services.AddSingleton<IControlPlaneIdentity>(provider => provider.GetRequiredService<SiloIdentity>());
        builder.Services.AddSingleton<SiloCertificateSource>();
        builder.Services.AddSingleton<BundleOffers>();
        builder.Services.AddMeshMetrics();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Drain);
        builder.UseOrleans(silo => silo.AddMeshSilo(options, database));
        // After Orleans, which it asks.
        builder.Services.AddSingleton<SiloCatchUp>();
        builder.Services.AddHostedService<SiloIdentityService>();
        using var audit = AuditLog.Open(folder.AuditLog, options.AuditFileBytes, options.AuditFiles);
        builder.Services.AddSingleton(audit);
        AddApi(builder, AdminToken.LoadOrCreate(folder.AdminToken));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.UseMeshListeners(options, folder));

        await using var app = builder.Build();
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        app.Services.StartMeshMetrics();
        MapApi(app, options, folder);
        await AssumeIdentityAsync(app.Services, options, folder);
        await app.RunAsync();
    }

    // The trust domain comes to be, or is read, before anything listens; so does the silo's own certificate.
    private static async Task AssumeIdentityAsync(IServiceProvider services, SiloOptions options, DataFolder folder)
    {
        var trust = await services.GetRequiredService<TrustGenesis>().CreateOrLoadAsync(options.TrustDomainName, CancellationToken.None);
        await KeyEncryptionCheck.EnsureOpensAsync(services.GetRequiredService<IKeyStore>(), trust, folder, CancellationToken.None);
        trust = await IssuerWait.UntilServingAsync(services, trust, folder);
        var issuer = trust.ActiveIssuer(AuthorityPurpose.ControlPlane)
            ?? throw new InvalidDataException($"Trust domain {trust.Name} has no active control-plane issuer.");
        var credential = await services.GetRequiredService<SiloCertificateSource>()
            .CreateAsync(issuer.KeyHash, issuer.Certificate, CancellationToken.None);
        services.GetRequiredService<SiloIdentity>().Use(credential, SignedBundle.Parse(trust.SignedBundle).Bundle);
        services.GetRequiredService<CertificateInstruments>().Show(TrustDomainReport.Of(
            trust, services.GetRequiredService<IOptions<IssuerOptions>>().Value.RotateAt, services.GetRequiredService<TimeProvider>().GetUtcNow()));
    }

    private static void AddApi(WebApplicationBuilder builder, AdminToken token)
    {
        builder.Services.AddGrpc(grpc =>
        {
            // The first is the outermost: it sees the status that the caller is given.
            grpc.Interceptors.Add<AuditInterceptor>();
            grpc.Interceptors.Add<MeshErrorInterceptor>();
            grpc.MaxReceiveMessageSize = 64 * 1024;
            grpc.IgnoreUnknownServices = false;
        }).AddServiceOptions<AdminService>(grpc => grpc.MaxReceiveMessageSize = MaxAdminMessageBytes).AddJsonTranscoding();
        builder.Services.AddGrpcReflection();
        builder.Services.AddSingleton(token);
        // ASP.NET Core's authentication brings keys for cookies, which nobody here uses: nothing of them goes to disk.
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddAuthentication(AdminAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, AdminAuthentication>(AdminAuthentication.SchemeName, null);
        builder.Services.AddAuthorization(authorization => authorization.DefaultPolicy =
            new AuthorizationPolicyBuilder(AdminAuthentication.SchemeName).RequireAuthenticatedUser().Build());
    }

    // By the port that a request came in at, which it can't choose as it can its Host header: nothing else is served there, and
    // nothing of it elsewhere.
    private static void MapProbes(WebApplication app, SiloOptions options) => app.MapWhen(
        context => context.Connection.LocalPort == IPEndPoint.Parse(options.AdminListen).Port,
        probes => probes.UseRouting().UseEndpoints(endpoints =>
        {
            endpoints.MapGet("/live", () => "live\n");
            endpoints.MapGet("/ready", (IGrainFactory grains) => Readiness.AskAsync(grains, options.TrustDomain));
            endpoints.MapPrometheusScrapingEndpoint("/metrics");
        }));

    private static void MapApi(WebApplication app, SiloOptions options, DataFolder folder)
    {
        MapProbes(app, options);
        // Said here, routing comes after the probes have branched off; unsaid, it would come first.
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapGrpcService<AdminService>().RequireAuthorization().WithMetadata(new RequestSizeLimitAttribute(MaxAdminMessageBytes));
        app.MapGrpcReflectionService().RequireAuthorization();
        app.MapGrpcService<ControlPlaneEnrollmentService>().AllowAnonymous();
        // Orleans' own dashboard has no authentication; the admin API's stands before it.
        app.MapOrleansDashboard("/orleans").RequireAuthorization();
        app.Lifetime.ApplicationStarted.Register(folder.CloseAdminSocketToOthers);
    }
}
