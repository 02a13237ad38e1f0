using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Lifecycle;

/// <summary>Certificates of ten seconds, both issuers rotated and the anchor too, while requests go on: none may fail.</summary>
internal sealed class Rotations(BenchMesh mesh, BenchPair pair, RequestLoad load)
{
    /// <summary>A run of this length waits until the old anchor may be retired: a minute after it signed last, and once nobody has a certificate under it.</summary>
    private const int Whole = 60;

    // Issuers that took over from another, of either purpose.
    private int _successions;

    public async Task<IReadOnlyList<Figure>> RunAsync(int seconds, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        var (silo, proxyHost) = (SiloCertificates, ProxyHostCertificates);
        await using var watch = new CertificateWatch(mesh);
        await RotateIssuerAsync("workload");
        await RotateIssuerAsync("control-plane");
        var (activated, retired) = await RotateAnchorAsync(seconds >= Whole);
        var left = TimeSpan.FromSeconds(seconds) - TimeProvider.System.GetElapsedTime(started);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, TimeProvider.System, cancellationToken);
        }

        await watch.EndAsync();
        foreach (var failure in load.Failed.Take(5))
        {
            Console.WriteLine($"failed after {TimeProvider.System.GetElapsedTime(started, failure.At).TotalSeconds:0.0} s: {failure.Why}");
        }

        return
        [
            new Figure("seconds", TimeProvider.System.GetElapsedTime(started).TotalSeconds),
            new Figure("requests", load.Answered.Count),
            new Figure("failed_requests", load.Failed.Count, AtMost: 0),
            new Figure("leaves_seen_front", watch.LeavesOf(pair.Front), AtLeast: seconds / 10),
            new Figure("leaves_seen_back", watch.LeavesOf(pair.Back), AtLeast: seconds / 10),
            // Ten seconds at 70 % are seven.
            new Figure("silo_certificates", SiloCertificates - silo, AtLeast: seconds * 8 / 60),
            new Figure("proxyhost_certificates", ProxyHostCertificates - proxyHost, AtLeast: seconds / 10),
            new Figure("issuer_rotations", _successions, AtLeast: 4),
            new Figure("anchor_activation_s", activated.TotalSeconds, AtMost: 30),
            .. retired is { } whole ? [new Figure("anchor_rotation_s", whole.TotalSeconds, AtMost: 120)] : Array.Empty<Figure>(),
        ];
    }

    private int SiloCertificates => Count(mesh.Silo, "The silo's certificate was renewed");

    private int ProxyHostCertificates => Count(mesh.ProxyHosts[0].Process, "Certificate renewed");

    private static int Count(TestProcess process, string text) => process.Output.Split(text).Length - 1;

    private async Task RotateIssuerAsync(string purpose)
    {
        var old = await ActiveAsync(purpose);
        await mesh.Admin.RotateIssuerAsync(new RotateIssuerRequest { Purpose = purpose });
        await Eventually.UntilAsync(() => ActiveAsync(purpose), active => active != old, $"another {purpose} issuer signs");
        _successions++;
    }

    private async Task<string> ActiveAsync(string purpose) =>
        (await mesh.Admin.GetTrustDomainAsync(new GetTrustDomainRequest())).Issuers.Single(issuer => issuer.Purpose == purpose && issuer.Stage == "active").KeyHash;

    private async Task<(TimeSpan Activated, TimeSpan? Retired)> RotateAnchorAsync(bool whole)
    {
        var started = TimeProvider.System.GetTimestamp();
        await mesh.Admin.StartAnchorRotationAsync(new StartAnchorRotationRequest());
        await Eventually.TrueAsync(
            async () => (await mesh.Admin.GetLedgerAsync(new GetLedgerRequest())).Entries.All(entry => entry.IsConverged), "all hold the new anchor");
        string[] old = [await ActiveAsync("workload"), await ActiveAsync("control-plane")];
        await mesh.Admin.ActivateAnchorAsync(new ActivateAnchorRequest());
        string[] active = [await ActiveAsync("workload"), await ActiveAsync("control-plane")];
        _successions += active.Except(old).Count();
        var activated = TimeProvider.System.GetElapsedTime(started);
        if (!whole)
        {
            return (activated, null);
        }

        for (var limit = TimeSpan.FromMinutes(3); TimeProvider.System.GetElapsedTime(started) < limit;)
        {
            try
            {
                await mesh.Admin.RetireAnchorAsync(new RetireAnchorRequest());
                return (activated, TimeProvider.System.GetElapsedTime(started));
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.FailedPrecondition)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
            }
        }

        throw new TimeoutException("The old anchor may not be retired.");
    }
}
