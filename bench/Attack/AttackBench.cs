using System.Diagnostics;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Attack;

/// <summary>Sends mutated messages to a ProxyHost without a rest, and looks at how another proxy fares meanwhile.</summary>
internal static class AttackBench
{
    private const int Seed = 20_231_010;
    private const int Attackers = 8;
    // Of fewer messages the bystander's rate says little: it is printed, and has no bound.
    private const int Long = 100_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan VictimPause = TimeSpan.FromMilliseconds(10);

    public static async Task<BenchReport> RunAsync(int messages, CancellationToken cancellationToken)
    {
        await using var mesh = await BenchMesh.StartAsync();
        var (process, url, _) = await mesh.AddProxyHostAsync(
            // Every message shall be read, so the limits on their number are out of the way.
            "--ProxyHost:CallsPerSecond=1000000", "--ProxyHost:EnrollmentsPerSecond=1000000", "--ProxyHost:EnrollmentsPerSecondPerAddress=1000000");
        using var attacker = await BenchProxy.EnrollAsync(url, await mesh.TokenAsync("attacker"));
        using var victim = await BenchProxy.EnrollAsync(url, await mesh.TokenAsync("victim"));

        // Twice, and the second counts: the first compiles the code.
        await VictimRateAsync(url, victim, Task.Delay(Before, TimeProvider.System, cancellationToken));
        var calm = await VictimRateAsync(url, victim, Task.Delay(Before, TimeProvider.System, cancellationToken));
        // Once through before it is weighed: what the code itself takes is not growth.
        await AttackAsync(url, attacker, messages / 20, Seed + 1);
        var (rss, siloRss) = (RssMb(process), RssMb(mesh.Silo));
        var attack = AttackAsync(url, attacker, messages, Seed);
        var pressed = await VictimRateAsync(url, victim, attack);
        var (took, statuses) = await attack;
        var isUp = !process.HasExited && await VictimRateAsync(url, victim, Task.Delay(Before / 5, TimeProvider.System, cancellationToken)) > 0;
        Console.WriteLine(string.Join(", ", statuses.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}")));
        return new BenchReport(
            "attack",
            new Figure("messages", messages),
            new Figure("messages_per_s", messages / took.TotalSeconds),
            new Figure("stays_up", isUp ? 1 : 0, AtLeast: 1),
            new Figure("rss_growth_mb", isUp ? RssMb(process) - rss : double.NaN, AtMost: 100),
            new Figure("silo_rss_growth_mb", RssMb(mesh.Silo) - siloRss),
            new Figure("victim_calls_per_s_before", calm),
            new Figure("victim_calls_per_s_during", pressed),
            new Figure("victim_rate_ratio", pressed / calm, AtLeast: messages >= Long ? 0.3 : null));
    }

    // A call, a pause of ten milliseconds, the next call: what a proxy in a hurry asks.
    private static async Task<double> VictimRateAsync(Uri proxyHost, SvidCredential credential, Task until)
    {
        using var proxy = new BenchProxy(proxyHost, credential);
        var message = new ResolveRequest { Service = "web.shop:80" }.ToByteArray();
        var (started, answered) = (TimeProvider.System.GetTimestamp(), 0);
        while (!until.IsCompleted)
        {
            answered += await proxy.SendAsync("/mesh.proxy.v1.ProxySession/Resolve", message, Patience) == StatusCode.OK ? 1 : 0;
            await Task.Delay(VictimPause, TimeProvider.System, CancellationToken.None);
        }

        return answered / TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<(TimeSpan Took, Dictionary<StatusCode, int> Statuses)> AttackAsync(Uri proxyHost, SvidCredential credential, int messages, int seed)
    {
        var targets = Targets(credential);
        var started = TimeProvider.System.GetTimestamp();
        var all = await Task.WhenAll(Enumerable.Range(0, Attackers).Select(i => Task.Run(
            () => SendAsync(proxyHost, credential, targets, messages / Attackers, seed * Attackers + i))));
        return (TimeProvider.System.GetElapsedTime(started), all.SelectMany(one => one).CountBy(status => status).ToDictionary());
    }

    private static async Task<List<StatusCode>> SendAsync(
        Uri proxyHost, SvidCredential credential, List<(string Path, byte[] Message)> targets, int messages, int seed)
    {
        using var session = new BenchProxy(proxyHost, credential);
        using var stranger = new BenchProxy(proxyHost, null);
        var (mutator, choice) = (new Mutator([.. targets.Select(target => target.Message)], seed), new Random(seed));
        var statuses = new List<StatusCode>(messages);
        for (var i = 0; i < messages; i++)
        {
            var (path, message) = targets[choice.Next(targets.Count)];
            var proxy = path.Contains("Session", StringComparison.Ordinal) ? session : stranger;
            statuses.Add(await proxy.SendAsync(path, mutator.Next(message), Patience));
        }

        return statuses;
    }

    // A right message for every call, with everything in it.
    private static List<(string Path, byte[] Message)> Targets(SvidCredential credential)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = CertificateRequestBuilder.CreateCsr(credential.Svid.Id, key);
        // A proof by a key that is on no record: the attacker's own certificate is not renewed by chance.
        var certify = new CertifyRequest { Csr = ByteString.CopyFrom(csr), Proof = ByteString.CopyFrom(key.SignData(csr, HashAlgorithmName.SHA256)), Epoch = 1 };
        var report = new ReportRequest { Acknowledgement = new string('a', 400) };
        report.Edges.Add(new Edge
        {
            Kind = EdgeKind.Application, Direction = Direction.Outbound, PeerId = credential.Svid.Id.ToString(), Service = "web.shop:80", Port = 80, Tls = "true",
            Protocol = "TLSv1.3", ConnectionsOpened = 3, ConnectionsOpen = 2, BytesSent = 100_000, BytesReceived = 200_000,
        });
        var watch = new WatchRequest { BundleSequence = 1, PolicyVersion = 1, Services = { new ServiceVersion { Name = "web.shop:80", Version = 1 } } };
        return
        [
            ("/mesh.proxy.v1.ProxySession/Certify", certify.ToByteArray()),
            ("/mesh.proxy.v1.ProxySession/Report", report.ToByteArray()),
            ("/mesh.proxy.v1.ProxySession/Resolve", new ResolveRequest { Service = "web.shop:80" }.ToByteArray()),
            ("/mesh.proxy.v1.ProxySession/Watch", watch.ToByteArray()),
            ("/mesh.proxy.v1.Enrollment/Enroll", new EnrollRequest { Token = new string('a', 400), Csr = ByteString.CopyFrom(csr) }.ToByteArray()),
            ("/mesh.proxy.v1.Enrollment/Recover", new RecoverRequest { Certify = certify, Leaf = ByteString.CopyFrom(credential.Svid.LeafDer.Span) }.ToByteArray()),
            ("/mesh.proxy.v1.Enrollment/FetchBundle", [1]),
        ];
    }

    private static double RssMb(TestProcess process)
    {
        using var running = Process.GetProcessById(process.Id);
        return running.WorkingSet64 / 1024.0 / 1024.0;
    }
}
