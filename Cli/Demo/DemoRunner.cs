using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Cli.Admin;
using Mesh.Cli.Output;

namespace Mesh.Cli.Demo;

/// <summary>Starts the demo in the order in which its parts need each other, and then plays the browser, the probes and the scraper.</summary>
internal sealed class DemoRunner(DemoPlan plan, Supervisor supervisor, AdminConnection admin) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };

    public async Task StartAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        progress("Starting the silo");
        supervisor.Start(plan.Silo());
        foreach (var preparation in plan.Preparations)
        {
            await PrepareAsync(preparation, cancellationToken);
        }

        // Applications need nobody to start, so they warm up meanwhile.
        foreach (var workload in DemoPlan.Workloads)
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
        foreach (var workload in DemoPlan.Workloads)
        {
            var request = new CreateWorkloadTokenRequest
            {
                Namespace = DemoPlan.Namespace, ServiceAccount = workload, Lifetime = Duration.FromTimeSpan(TimeSpan.FromHours(1)), Addresses = { plan.ProxyHostUrl },
            };
            var workloadToken = await admin.CallAsync((client, options) => client.CreateWorkloadTokenAsync(request, options), cancellationToken);
            WriteSecret(plan.TokenFile(workload), workloadToken.Token);
            supervisor.Start(plan.Proxy(workload));
        }

        progress("Waiting for certificates, trust bundle and policy");
        foreach (var workload in DemoPlan.Workloads)
        {
            await UntilAsync($"{workload}'s proxy", cancel => IsReadyAsync(plan.ReadyUrl(workload), cancel), cancellationToken);
        }
    }

    /// <summary>The edges that the mesh has seen.</summary>
    public async Task<IReadOnlyList<Edge>> EdgesAsync(CancellationToken cancellationToken) =>
        (await admin.CallAsync((client, options) => client.ListEdgesAsync(new ListEdgesRequest(), options), cancellationToken)).Edges;

    /// <summary>A browser's request through web's inbound proxy, a probe of each proxy, a scrape of one. What fails shows in the table.</summary>
    public async Task PlayAsync(int round, CancellationToken cancellationToken)
    {
        var visits = DemoPlan.Workloads.Select(plan.ReadyUrl).Append(plan.PageUrl);
        if (round % 5 == 0)
        {
            visits = visits.Concat(DemoPlan.Workloads.Select(plan.MetricsUrl));
        }

        foreach (var visit in visits)
        {
            await IsReadyAsync(visit, cancellationToken);
        }
    }

    public void Dispose() => _http.Dispose();

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

    private async Task<bool> IsReadyAsync(string url, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(url), cancellationToken);
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
