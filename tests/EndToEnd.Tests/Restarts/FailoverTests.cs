using System.Globalization;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Restarts;

/// <summary>Two silos and two ProxyHosts under load, and one of them fails.</summary>
[Collection(Alone.Name)]
public class FailoverTests(ClusterUnderTest cluster) : IClassFixture<ClusterUnderTest>, IDisposable
{
    // Longer than anything may take to be noticed, so that what fails late is seen too.
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(12);

    [Theory(Explicit = true)]
    [InlineData(TestProcess.SigKill)]
    [InlineData(TestProcess.SigStop)]
    [InlineData(TestProcess.SigTerm)]
    public async Task A_silo_fails_and_nothing_that_was_answered_is_lost(int signal)
    {
        await cluster.UntilWholeAsync();
        Action check;
        await using var load = new Load(cluster.Entrance, TimeSpan.FromMilliseconds(20));
        await using (var work = new ClusterWork(cluster))
        {
            await work.GrowsAsync(by: 5);
            var failing = await TrustDomainsSiloAsync(work);
            var living = cluster.Silos.Single(silo => silo != failing);

            var fault = await FailAsync(failing.Process, signal);
            var moved = await PushedAsync(living, cluster.ProxyHosts, fault);
            await WatchAsync(fault);
            check = Report($"silo, {Word(signal)}", fault, moved, work, [living], cluster.ProxyHosts, load);

            if (signal == TestProcess.SigStop)
            {
                await ComesBackAsAZombieAsync(failing);
            }

            Assert.True(await failing.Process.ExitedAsync(TimeSpan.FromSeconds(30)) == 0 || signal != TestProcess.SigTerm, failing.Process.Output);
            await failing.StartAsync(silos: 2);
            await cluster.UntilWholeAsync();
            await work.GrowsAsync(by: 5);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"  on record: {cluster.Ledger.Summary}");
        await cluster.Ledger.CheckAsync();
        check();
        Assert.Empty(load.Failures);
    }

    [Theory(Explicit = true)]
    [InlineData(TestProcess.SigKill)]
    [InlineData(TestProcess.SigStop)]
    [InlineData(TestProcess.SigTerm)]
    public async Task A_ProxyHost_fails_and_its_proxies_move(int signal)
    {
        await cluster.UntilWholeAsync();
        Action check;
        await using var load = new Load(cluster.Entrance, TimeSpan.FromMilliseconds(20));
        await using (var work = new ClusterWork(cluster))
        {
            await work.GrowsAsync(by: 5);
            var watches = await Task.WhenAll(cluster.ProxyHosts.Select(proxyHost => proxyHost.WatchesAsync()));
            var failing = cluster.ProxyHosts[watches[0] >= watches[1] ? 0 : 1];
            var living = cluster.ProxyHosts.Single(proxyHost => proxyHost != failing);

            var fault = await FailAsync(failing.Process, signal);
            var moved = await PushedAsync(cluster.Silos[0], [living], fault);
            await WatchAsync(fault);
            check = Report($"ProxyHost, {Word(signal)}", fault, moved, work, cluster.Silos, [living], load);

            if (signal == TestProcess.SigStop)
            {
                failing.Process.Signal(TestProcess.SigCont);
            }
            else
            {
                Assert.True(await failing.Process.ExitedAsync(TimeSpan.FromSeconds(30)) == 0 || signal != TestProcess.SigTerm, failing.Process.Output);
                await failing.StartAsync(silos: 2);
            }

            await cluster.UntilWholeAsync();
            await work.GrowsAsync(by: 5);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"  on record: {cluster.Ledger.Summary}");
        await cluster.Ledger.CheckAsync();
        check();
        Assert.Empty(load.Failures);
    }

    public void Dispose()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(cluster.LastWords(lines: 15));
        }

        GC.SuppressFinalize(this);
    }

    // The one whose end is felt most: every trust command goes there.
    private async Task<SiloUnderTest> TrustDomainsSiloAsync(ClusterWork work)
    {
        var before = cluster.Silos.ToDictionary(silo => silo, Commits);
        await work.RevokeAsync(cluster.Silos[0]);
        var found = await Eventually.UntilAsync(
            () => Task.FromResult(cluster.Silos.FirstOrDefault(silo => Commits(silo) > before[silo])), silo => silo is not null, "a silo commits");
        return found!;
    }

    private static int Commits(SiloUnderTest silo) => silo.Process.Output.Split("committed sequence").Length;

    private static async Task<long> FailAsync(TestProcess process, int signal)
    {
        var now = TimeProvider.System.GetTimestamp();
        process.Signal(signal);
        await Task.Yield();
        return now;
    }

    // From the fault until every proxy holds a watch at a ProxyHost that lives, and has heard through it of a change made after the fault.
    private async Task<TimeSpan> PushedAsync(SiloUnderTest silo, IReadOnlyList<ProxyHostUnderTest> proxyHosts, long fault)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"after-{fault}");
        var version = await Eventually.UntilAsync(() => SetPolicyAsync(silo, name), version => version > 0, "a policy can be set");
        await Eventually.UntilAsync(
            async () => (await Task.WhenAll(proxyHosts.Select(proxyHost => proxyHost.WatchesAsync()))).Sum(),
            watches => watches >= cluster.Proxies.Count, "every proxy holds a watch at a ProxyHost that lives");
        foreach (var proxy in cluster.Proxies)
        {
            await proxy.Process.SaysAsync(string.Create(CultureInfo.InvariantCulture, $", version {version}, is in force"));
        }

        return TimeProvider.System.GetElapsedTime(fault);
    }

    private static async Task<long> SetPolicyAsync(SiloUnderTest silo, string serviceAccount)
    {
        try
        {
            return (await silo.Admin.SetDefaultPolicyAsync(
                new SetDefaultPolicyRequest { Namespace = "shop", ServiceAccount = serviceAccount, Mode = "deny" },
                deadline: Deadline.In(TimeSpan.FromSeconds(2)))).Version;
        }
        catch (RpcException)
        {
            return 0;
        }
    }

    private static async Task WatchAsync(long fault)
    {
        if (Watched - TimeProvider.System.GetElapsedTime(fault) is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    // What is to be asserted once everything is whole again, for the tests that follow.
    private static Action Report(
        string what, long fault, TimeSpan moved, ClusterWork work, IReadOnlyList<SiloUnderTest> silos, IReadOnlyList<ProxyHostUnderTest> proxyHosts, Load load)
    {
        CommandStream[] trust = [.. silos.Select(silo => work.Trust[silo])];
        CommandStream[] registrations = [.. silos.Select(silo => work.Registrations[silo])];
        CommandStream[] enrollments = [.. proxyHosts.Select(proxyHost => work.Enrollments[proxyHost])];
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: trust_commands_again_s={Seconds(trust):F1} registrations_again_s={Seconds(registrations):F1} enrollments_again_s={Seconds(enrollments):F1} proxies_moved_s={moved.TotalSeconds:F1} failed_application_connections={load.Failures.Count} of {load.Served}"));
        foreach (var stream in trust.Concat(registrations).Concat(enrollments))
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"  {stream.Name}: {string.Join(", ", stream.FailuresSince(fault).CountBy(failure => failure).Select(kind => $"{kind.Value} x {kind.Key}"))}");
        }

        // How soon is printed, and depends on the machine; that it came is what is held here.
        double[] seconds = [Seconds(trust), Seconds(registrations), Seconds(enrollments), moved.TotalSeconds];
        return () => Assert.All(seconds, again => Assert.True(double.IsFinite(again), $"{what}: something was never answered again."));

        double Seconds(CommandStream[] streams) => streams.Max(stream => stream.AgainAfter(fault)?.TotalSeconds ?? double.PositiveInfinity);
    }

    // It wakes and believes for a moment that it is still one of the cluster: it may refuse, but say nothing that is no longer so.
    private async Task ComesBackAsAZombieAsync(SiloUnderTest zombie)
    {
        var sequence = cluster.Ledger.Sequence;
        zombie.Process.Signal(TestProcess.SigCont);
        var (answered, stale) = (0, new List<long>());
        while (!zombie.Process.HasExited)
        {
            try
            {
                var trust = await zombie.Admin.GetTrustDomainAsync(new GetTrustDomainRequest(), deadline: Deadline.In(TimeSpan.FromSeconds(1)));
                answered++;
                if (trust.Sequence < sequence)
                {
                    stale.Add(trust.Sequence);
                }
            }
            catch (RpcException)
            {
                // It has nothing to say any more.
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"  the zombie answered {answered} times before it ended, {stale.Count} times with what was no longer so");
        Assert.Empty(stale);
    }

    private static string Word(int signal) => signal switch
    {
        TestProcess.SigKill => "SIGKILL",
        TestProcess.SigStop => "SIGSTOP",
        _ => "SIGTERM",
    };
}
