using Mesh.Admin.V1;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Bench.Support.Instances;

namespace Mesh.Bench.Issuing;

/// <summary>
/// Certificates a second through a ProxyHost over mutual TLS, each on record before it is answered, beside what <c>cfssl serve</c>
/// signs over plain HTTP; and how soon all instances have another after their issuer was revoked.
/// </summary>
/// <remarks>
/// Both have an authority and requests on P-256, and connections that are open. Keys, requests and proofs are made before the time
/// starts. Rounds of one and the other alternate, and the medians count. The client shares the machine's cores with both.
/// </remarks>
internal static class IssuingBench
{
    private const int Rounds = 5;
    private const int RoundSize = 1000;
    private const int WarmUpRounds = 10;

    // What is wanted; and what a short run, of which most is still being compiled, must reach on a machine that is busy.
    private const double Floor = 0.6;
    private const double Breakage = 0.02;

    private const int MostCallers = 256;
    private const int RecoverAtOnce = 128;

    private static readonly int[] Callers = [1, 16, 64, MostCallers];

    /// <param name="instances">Instances that are enrolled, 100 at the least.</param>
    public static async Task<BenchReport> RunAsync(int instances, CancellationToken cancellationToken)
    {
        await using var mesh = await BenchMesh.StartAsync();
        var proxyHost = await mesh.AddProxyHostAsync(BenchMesh.NoLimits);
        await using var cfssl = await Cfssl.StartAsync(MostCallers);
        int[] servers = [mesh.Silo.Id, proxyHost.Process.Id];
        await using var population = await Population.EnrollAsync(mesh, proxyHost.Url, instances, MostCallers, servers);
        var some = population.Instances.Take(RoundSize).ToList();
        var epoch = (await mesh.Admin.GetTrustDomainAsync(new GetTrustDomainRequest(), cancellationToken: cancellationToken)).Epoch;

        // Not counted: a server that has just started spends a third of its time on compiling what is used most, and a whole run of 100
        // instances ends before it is done with that.
        for (var i = 0; i < (instances >= RoundSize ? WarmUpRounds : 2); i++)
        {
            await RenewAsync(proxyHost.Url, epoch, some, MostCallers, servers);
        }

        await SignAsync(cfssl, some.Count, MostCallers);
        var weight = Weight(servers);
        var rounds = new List<(int Callers, Round Mesh, Round Cfssl)>();
        for (var i = 0; i < Rounds; i++)
        {
            foreach (var callers in Callers)
            {
                var count = callers == 1 ? some.Count / 4 : some.Count;
                rounds.Add((callers, await RenewAsync(proxyHost.Url, epoch, some[..count], callers, servers), await SignAsync(cfssl, 4 * count, callers)));
                Print(rounds[^1]);
            }
        }

        var reissue = new Reissue(mesh, population.Instances);
        var unlimited = await reissue.RunAsync(proxyHost.Url, RecoverAtOnce);
        var growth = Weight(servers) - weight;
        return new BenchReport("issuing", [.. Rates(rounds, instances >= RoundSize ? Floor : Breakage), .. new Figure[]
        {
            new("enroll_per_s", population.Enrollment.PerSecond),
            new("enroll_cpu_ms", population.Enrollment.CpuMs),
            new("instances", instances),
            new("reissue_s", unlimited.TotalSeconds),
            new("reissue_refusals", reissue.Refusals),
            new("memory_growth_mb", growth, AtMost: 150),
        }]);
    }

    private static IEnumerable<Figure> Rates(List<(int Callers, Round Mesh, Round Cfssl)> rounds, double atLeast)
    {
        var medians = Callers.Select(callers => (
            Callers: callers,
            Mesh: Spread.Of(rounds.Where(round => round.Callers == callers).Select(round => round.Mesh.PerSecond)),
            Cfssl: Spread.Of(rounds.Where(round => round.Callers == callers).Select(round => round.Cfssl.PerSecond)))).ToList();
        var (mesh, cfssl) = (medians.MaxBy(one => one.Mesh.Median), medians.MaxBy(one => one.Cfssl.Median));
        yield return new Figure("rate_vs_cfssl", mesh.Mesh.Median / cfssl.Cfssl.Median, AtLeast: atLeast);
        foreach (var one in medians)
        {
            yield return new Figure($"rate_{one.Callers}", one.Mesh.Median);
            yield return new Figure($"rate_{one.Callers}_spread", one.Mesh.Width);
            yield return new Figure($"cfssl_rate_{one.Callers}", one.Cfssl.Median);
            yield return new Figure($"cfssl_rate_{one.Callers}_spread", one.Cfssl.Width);
        }

        var (cpu, cfsslCpu) = (
            Spread.Of(rounds.Where(round => round.Callers == mesh.Callers).Select(round => round.Mesh.CpuMs)).Median,
            Spread.Of(rounds.Where(round => round.Callers == cfssl.Callers).Select(round => round.Cfssl.CpuMs)).Median);
        yield return new Figure("cpu_ms", cpu);
        yield return new Figure("cfssl_cpu_ms", cfsslCpu);
        yield return new Figure("cpu_vs_cfssl", cpu / cfsslCpu);
        yield return new Figure("client_cpu_ms", Spread.Of(rounds.Where(round => round.Callers == mesh.Callers).Select(round => round.Mesh.ClientCpuMs)).Median);
        yield return new Figure("cfssl_client_cpu_ms", Spread.Of(rounds.Where(round => round.Callers == cfssl.Callers).Select(round => round.Cfssl.ClientCpuMs)).Median);
    }

    private static async Task<Round> RenewAsync(Uri proxyHost, long epoch, List<Instance> instances, int callers, int[] servers)
    {
        await Parallel.ForEachAsync(instances, async (instance, _) => await instance.PrepareRenewalAsync(proxyHost, epoch));
        // What the handshakes left is not work of the certificates.
        GC.Collect();
        var round = await Round.RunAsync(instances.Count, callers, servers, (_, i) => instances[i].RenewAsync());
        foreach (var instance in instances)
        {
            await instance.UseAsync();
        }

        return round;
    }

    private static Task<Round> SignAsync(Cfssl cfssl, int count, int callers) => Round.RunAsync(count, callers, [cfssl.Process.Id], cfssl.SignAsync);

    private static double Weight(IEnumerable<int> processes) => processes.Sum(id => ProcessWeight.Of(id).RssMb);

    private static void Print((int Callers, Round Mesh, Round Cfssl) round) => Console.WriteLine(string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{round.Callers,3} callers: {round.Mesh.PerSecond,6:0}/s at {string.Join(" + ", round.Mesh.EachCpuMs.Select(ms => ms.ToString("0.000", System.Globalization.CultureInfo.InvariantCulture)))} ms (client {round.Mesh.ClientCpuMs:0.000}); cfssl {round.Cfssl.PerSecond,6:0}/s at {round.Cfssl.CpuMs:0.000} ms (client {round.Cfssl.ClientCpuMs:0.000})"));
}
