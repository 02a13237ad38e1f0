using System.Globalization;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Tests.Processes;

namespace Mesh.Bench.DataPlane;

/// <summary>How soon a proxy is ready that enrolls with a join token.</summary>
internal static class Startup
{
    private const int Times = 5;

    // A question that is refused takes half a millisecond of CPU time, which the proxy's start waits for.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Seconds from the start of the process until it answers 200 at <c>/ready</c>.</summary>
    public static async Task<Spread> OfAsync(BenchMesh mesh, ProxyProgram program, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        var took = new List<double>();
        for (var i = 0; i < Times; i++)
        {
            var workload = string.Create(CultureInfo.InvariantCulture, $"ready-{i}");
            await File.WriteAllTextAsync(mesh.File($"{workload}.token"), await mesh.TokenAsync(workload), cancellationToken);
            var admin = FreePorts.NextAddress();
            var started = TimeProvider.System.GetTimestamp();
            await using var proxy = program.Start(workload,
            [
                $"--Proxy:TokenFile={mesh.File($"{workload}.token")}", $"--Proxy:Data={mesh.File(workload)}", $"--Proxy:Admin:Listen={admin}",
                $"--Proxy:Inbound:0:Listen={FreePorts.NextAddress()}", $"--Proxy:Inbound:0:Application={FreePorts.NextAddress()}",
            ]);
            while (!await IsReadyAsync(http, admin, cancellationToken))
            {
                if (proxy.HasExited || TimeProvider.System.GetElapsedTime(started) > Patience)
                {
                    throw new InvalidOperationException($"{workload} is not ready: {proxy.Output}");
                }

                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            }

            took.Add(TimeProvider.System.GetElapsedTime(started).TotalSeconds);
        }

        return Spread.Of(took);
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, string admin, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://{admin}/ready"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
