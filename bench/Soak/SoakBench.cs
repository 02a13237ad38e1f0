using Mesh.Bench.Results;
using Mesh.Bench.Support;

namespace Mesh.Bench.Soak;

/// <summary>
/// Whether a pair of proxies stays as it is while connections come and go in every way: both directions at once and one after the other,
/// half-closed from either end, reset from either end under way, without a word, slow and silent for a while. Every byte is compared.
/// </summary>
/// <remarks>
/// What is compared is the middle of the second quarter with the middle of the last one, half the run later: the first quarter is
/// for pools, tables and heaps that reach their size once.
/// </remarks>
internal static class SoakBench
{
    // What a heap gives and takes by itself. Two hundred connections a second make 60,000 in the five minutes between the two quarters
    // of a run of ten: 5 MiB are 90 bytes for each, less than what a connection could leave behind.
    private const double GrowthMb = 5;

    // Of 32 connections, those that wait for the rest of a record hold 66 KiB each; medians of that differ by a third of all. Over 60,000
    // connections it is 35 bytes for each.
    private const double NativeGrowthMb = 2;

    // In a short run kept connections, some 20 KiB each, are still growing in number.
    private const double NativeGrowthOfShortMb = 4;

    // Two descriptors for each connection that is open, and the medians of how many are differ by a few.
    private const int DescriptorGrowth = 12;

    // In a short run the pools of two event loops may still be filling, 64 connections each.
    private const int DescriptorGrowthOfShort = 140;

    // Shorter, and a managed heap is still on its way to its size.
    private static readonly TimeSpan BoundedFrom = TimeSpan.FromMinutes(5);

    private const int LastWords = 5;

    private static readonly TimeSpan SamplesEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Ending = TimeSpan.FromSeconds(20);

    /// <param name="duration">From five minutes on, memory has a bound and descriptors a narrow one; native memory always has.</param>
    public static async Task<BenchReport> RunAsync(TimeSpan duration, ProxyProgram program, CancellationToken cancellationToken)
    {
        var findings = new SoakFindings();
        await using var application = new SoakApplication(findings);
        await using var mesh = await BenchMesh.StartAsync();
        await mesh.AddProxyHostAsync();
        await using var pair = await BenchPair.StartAsync(mesh, new BenchPairSettings { Program = program, Application = application.Address });
        (string Name, int Process, string Admin)[] proxies =
            [("outbound", pair.FrontProxy.Id, pair.FrontAdmin), ("inbound", pair.BackProxy.Id, pair.BackAdmin)];
        using var http = new HttpClient();
        var samples = proxies.ToDictionary(proxy => proxy.Name, _ => new List<ProxySample>());

        var started = TimeProvider.System.GetTimestamp();
        await using var clients = new SoakClients(pair.Entrance, findings);
        while (TimeProvider.System.GetElapsedTime(started) < duration)
        {
            await Task.Delay(SamplesEvery, TimeProvider.System, cancellationToken);
            foreach (var (name, process, admin) in proxies)
            {
                samples[name].Add(await ProxySample.TakeAsync(http, process, admin));
            }
        }

        await clients.EndAsync();
        SayComplaints(findings, pair);

        var elapsed = TimeProvider.System.GetElapsedTime(started);
        var figures = new List<Figure>
        {
            new("connections", findings.Connections, AtLeast: 1),
            new("connections_per_s", findings.Connections / elapsed.TotalSeconds),
            new("compared_mb", findings.Bytes / (1024.0 * 1024)),
            new("wrong", findings.Wrong, AtMost: 0),
            new("cut_short", findings.CutShort, AtMost: 0),
            new("failed", findings.Failed, AtMost: 0),
            new("stalled", findings.Stalled, AtMost: 0),
        };
        double? growth = duration < BoundedFrom ? null : GrowthMb;
        foreach (var (name, process, admin) in proxies)
        {
            figures.AddRange(Growth(name, samples[name], growth));
            figures.Add(new Figure($"{name}_open_left", await OpenAtEndAsync(http, process, admin, cancellationToken), AtMost: 0));
        }

        return new BenchReport("soak", figures) { Details = [.. proxies.SelectMany(proxy => Quarters(proxy.Name, samples[proxy.Name]))] };
    }

    private static void SayComplaints(SoakFindings findings, BenchPair pair)
    {
        foreach (var complaint in findings.Complaints)
        {
            Console.WriteLine(complaint);
        }

        foreach (var proxy in findings.Complaints.IsEmpty ? [] : new[] { pair.FrontProxy, pair.BackProxy })
        {
            Console.WriteLine($"{proxy.Name} said at last: {string.Join(Environment.NewLine, proxy.Output.Split('\n').TakeLast(LastWords))}");
        }
    }

    private static IEnumerable<Figure> Growth(string proxy, List<ProxySample> samples, double? growth)
    {
        (string Name, Func<ProxySample, double?> Of, double? Most)[] kinds =
        [
            ("rss_mb", sample => sample.RssMb, growth),
            ("anon_mb", sample => sample.AnonMb, growth),
            ("descriptors", sample => sample.Descriptors, growth is null ? DescriptorGrowthOfShort : DescriptorGrowth),
            ("native_mb", sample => sample.NativeMb, growth is null ? NativeGrowthOfShortMb : NativeGrowthMb),
        ];
        return
            from kind in kinds
            where kind.Of(samples[0]) is not null
            let early = Quarter(samples, 1, kind.Of)
            let late = Quarter(samples, 3, kind.Of)
            from figure in new[] { new Figure($"{proxy}_{kind.Name}", late), new Figure($"{proxy}_{kind.Name}_growth", late - early, AtMost: kind.Most) }
            select figure;
    }

    private static IEnumerable<Figure> Quarters(string proxy, List<ProxySample> samples) =>
        from quarter in Enumerable.Range(0, 4)
        from figure in new[]
        {
            new Figure($"{proxy}_rss_mb_{quarter + 1}", Quarter(samples, quarter, sample => sample.RssMb)),
            new Figure($"{proxy}_anon_mb_{quarter + 1}", Quarter(samples, quarter, sample => sample.AnonMb)),
        }
        select figure;

    private static double Quarter(List<ProxySample> samples, int quarter, Func<ProxySample, double?> figure) => Spread.Of(
        samples.Skip(samples.Count * quarter / 4).Take(samples.Count * (quarter + 1) / 4 - samples.Count * quarter / 4).Select(sample => figure(sample)!.Value)).Median;

    // The last ones may be on their way out.
    private static async Task<long> OpenAtEndAsync(HttpClient http, int process, string admin, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var open = (await ProxySample.TakeAsync(http, process, admin)).Open;
            if (open == 0 || TimeProvider.System.GetElapsedTime(started) > Ending)
            {
                return open;
            }

            await Task.Delay(SamplesEvery, TimeProvider.System, cancellationToken);
        }
    }
}
