using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Cli.Admin;
using Mesh.Cli.Output;

namespace Mesh.Cli.Demo;

/// <summary>Starts the demo in the order in which its parts need each other, and then plays the browsers and the probes.</summary>
internal sealed class DemoRunner(DemoPlan plan, Supervisor supervisor, AdminConnection admin) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };

    private readonly HttpClient _secure = new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.Zero,
        UseProxy = false,
        ConnectCallback = async (_, cancellationToken) => await ConnectAsync(IPEndPoint.Parse(plan.SecureEndpoint), cancellationToken),
        // It signs for itself, and what is shown is that the mesh lets such TLS be, not who is at its end.
        SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == $"CN={DemoPlan.SecureName}" },
    })
    { Timeout = TimeSpan.FromSeconds(2) };

    public async Task StartAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        progress("Starting the silo");
        supervisor.Start(plan.Silo());
        foreach (var preparation in plan.Preparations)
        {
            await PrepareAsync(preparation, cancellationToken);
        }

        // Applications need nobody to start, so they warm up meanwhile.
        foreach (var workload in DemoPlan.Voters)
        {
            supervisor.Start(plan.Application(workload));
        }

        await UntilAsync("the silo", SiloAnswersAsync, cancellationToken);

        progress("Starting the ProxyHost");
        var token = await admin.CallAsync(
            (client, options) => client.CreateProxyHostTokenAsync(new CreateProxyHostTokenRequest { Name = "proxyhost-0" }, options), cancellationToken);
        WriteSecret(plan.TokenFile("proxyhost"), token.Token);
        supervisor.Start(plan.ProxyHost());
        await ConfigureAsync(cancellationToken);

        // A proxy that finds nobody to enroll with waits longer each time.
        await UntilAsync("the ProxyHost", cancel => IsReadyAsync(plan.ProxyHostReady, cancel), cancellationToken);
        progress("Starting the proxies");
        foreach (var workload in DemoPlan.Voters)
        {
            await StartProxyAsync(workload, cancellationToken);
        }

        progress("Waiting for certificates, trust bundle and policy");
        foreach (var workload in DemoPlan.Voters)
        {
            await UntilAsync($"{workload}'s proxy", cancel => IsReadyAsync(plan.ReadyUrl(workload), cancel), cancellationToken);
        }

        // No traffic waits for the scraper, so it takes no time from those that some waits for.
        supervisor.Start(plan.Application(DemoPlan.Scraper));
        await StartProxyAsync(DemoPlan.Scraper, cancellationToken);
    }

    /// <summary>Waits for the one proxy that <see cref="StartAsync"/> doesn't wait for.</summary>
    public Task ScraperAsync(CancellationToken cancellationToken) =>
        UntilAsync($"{DemoPlan.Scraper}'s proxy", cancel => IsReadyAsync(plan.ReadyUrl(DemoPlan.Scraper), cancel), cancellationToken);

    /// <summary>The edges that the mesh has seen.</summary>
    public async Task<IReadOnlyList<Edge>> EdgesAsync(CancellationToken cancellationToken) =>
        (await admin.CallAsync((client, options) => client.ListEdgesAsync(new ListEdgesRequest(), options), cancellationToken)).Edges;

    /// <summary>Two browsers' requests through web's inbound proxy, one of them in TLS; a probe of each proxy. What fails shows in the table.</summary>
    public async Task PlayAsync(CancellationToken cancellationToken)
    {
        foreach (var visit in DemoPlan.Workloads.Select(plan.ReadyUrl).Append(plan.PageUrl))
        {
            await IsReadyAsync(visit, cancellationToken);
        }

        await IsReadyAsync(_secure, $"https://{DemoPlan.SecureName}/", cancellationToken);
    }

    public void Dispose()
    {
        _http.Dispose();
        _secure.Dispose();
    }

    private static async Task<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task StartProxyAsync(string workload, CancellationToken cancellationToken)
    {
        var request = new CreateWorkloadTokenRequest
        {
            Namespace = DemoPlan.NamespaceOf(workload), ServiceAccount = workload, Lifetime = Duration.FromTimeSpan(TimeSpan.FromHours(1)), Addresses = { plan.ProxyHostUrl },
        };
        var token = await admin.CallAsync((client, options) => client.CreateWorkloadTokenAsync(request, options), cancellationToken);
        WriteSecret(plan.TokenFile(workload), token.Token);
        supervisor.Start(plan.Proxy(workload));
    }

    private static async Task PrepareAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardError = true })!;
        var said = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new CliException(ExitCodes.Environment, $"{string.Join(' ', command)} has failed: {said.Trim()}", "Put that right and start the demo again.");
        }
    }

    private async Task ConfigureAsync(CancellationToken cancellationToken)
    {
        foreach (var (service, endpoint, identity) in plan.Services())
        {
            var request = new SetServiceRequest { Name = service, Endpoints = { new Endpoint { Address = endpoint, SpiffeId = identity } } };
            await admin.CallAsync((client, options) => client.SetServiceAsync(request, options), cancellationToken);
        }

        // A browser has no identity, and web is for browsers.
        var policy = new SetDefaultPolicyRequest { Namespace = DemoPlan.Namespace, ServiceAccount = "web", Mode = "all-unauthenticated" };
        await admin.CallAsync((client, options) => client.SetDefaultPolicyAsync(policy, options), cancellationToken);
    }

    private async Task<bool> SiloAnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await admin.CallAsync((client, options) => client.GetTrustDomainAsync(new GetTrustDomainRequest(), options), cancellationToken);
            return true;
        }
        catch (CliException)
        {
            return false;
        }
    }

    private Task<bool> IsReadyAsync(string url, CancellationToken cancellationToken) => IsReadyAsync(_http, url, cancellationToken);

    private static async Task<bool> IsReadyAsync(HttpClient http, string url, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(url), cancellationToken);
            await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task UntilAsync(string what, Func<CancellationToken, Task<bool>> condition, CancellationToken cancellationToken)
    {
        var until = TimeProvider.System.GetUtcNow() + Limit;
        while (!await condition(cancellationToken))
        {
            if (supervisor.Failed.IsCompleted)
            {
                throw await supervisor.Failed;
            }

            if (TimeProvider.System.GetUtcNow() > until)
            {
                throw new CliException(ExitCodes.Fault, $"Waited {Limit.TotalSeconds} s for {what} in vain.", "The logs say why; --data DIR keeps them.");
            }

            await Task.Delay(PollEvery, TimeProvider.System, cancellationToken);
        }
    }

    private static void WriteSecret(string path, string content)
    {
        File.Delete(path);
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write(System.Text.Encoding.ASCII.GetBytes(content));
    }
}
