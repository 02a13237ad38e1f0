using System.Security.Cryptography;
using Google.Protobuf;
using Mesh.Admin.V1;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>What goes on in a cluster all the time: operators at every silo, workloads that enroll at every ProxyHost, and somebody who reads all bundles.</summary>
internal sealed class ClusterWork : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private static int _runs;

    private readonly ClusterUnderTest _cluster;
    private readonly ClusterLedger _ledger;
    private readonly List<CommandStream> _readers = [];

    // Names of one run are never names of another.
    private readonly int _run = Interlocked.Increment(ref _runs);

    public ClusterWork(ClusterUnderTest cluster)
    {
        (_cluster, _ledger) = (cluster, cluster.Ledger);
        foreach (var silo in cluster.Silos)
        {
            Trust[silo] = new CommandStream($"trust commands at {silo.Name}", TimeSpan.FromMilliseconds(100), i => CommandAsync(silo, i));
            Registrations[silo] = new CommandStream($"registrations at {silo.Name}", TimeSpan.FromMilliseconds(100), i => RegisterAsync(silo, i));
            _readers.Add(new CommandStream($"bundles of {silo.Name}", TimeSpan.FromMilliseconds(200), _ => ReadBundleAsync(silo)));
        }

        foreach (var proxyHost in cluster.ProxyHosts)
        {
            Enrollments[proxyHost] = new CommandStream($"enrollments at {proxyHost.Name}", TimeSpan.FromMilliseconds(300), i => EnrollAsync(proxyHost, i));
            _readers.Add(new CommandStream($"bundles of {proxyHost.Name}", TimeSpan.FromMilliseconds(200), async _ =>
                _ledger.SawSigned(await ClusterLedger.FetchAsync(proxyHost), proxyHost.Name)));
        }

        foreach (var proxy in cluster.Proxies)
        {
            _readers.Add(new CommandStream($"bundles of {proxy.Id}", TimeSpan.FromMilliseconds(200), _ =>
            {
                _ledger.SawSigned(ClusterLedger.ReadBundle(proxy), proxy.Id.ToString());
                return Task.CompletedTask;
            }));
        }
    }

    /// <summary>Join tokens, and now and then a revocation.</summary>
    public Dictionary<SiloUnderTest, CommandStream> Trust { get; } = [];

    /// <summary>Services and policies.</summary>
    public Dictionary<SiloUnderTest, CommandStream> Registrations { get; } = [];

    /// <summary>New workloads.</summary>
    public Dictionary<ProxyHostUnderTest, CommandStream> Enrollments { get; } = [];

    private IEnumerable<CommandStream> All => [.. Trust.Values, .. Registrations.Values, .. Enrollments.Values, .. _readers];

    /// <summary>Everybody was answered so many times more.</summary>
    public async Task GrowsAsync(int by)
    {
        foreach (var stream in All.ToList())
        {
            var until = stream.Answered + by;
            await Mesh.Tests.Processes.Eventually.UntilAsync(
                () => Task.FromResult(stream.Answered), answered => answered >= until, $"{stream.Name} are answered");
        }
    }

    /// <summary>Revokes the issuer that signs for silos and ProxyHosts: all of them renew, and no application notices.</summary>
    public async Task RevokeAsync(SiloUnderTest silo)
    {
        var trust = await silo.Admin.GetTrustDomainAsync(new GetTrustDomainRequest(), deadline: Deadline.In(Limit));
        var active = trust.Issuers.First(issuer => issuer is { Purpose: "control-plane", Stage: "active" });
        _ledger.Revoked(await silo.Admin.RevokeIssuerAsync(
            new RevokeIssuerRequest { KeyHash = active.KeyHash, Reason = "drill" }, deadline: Deadline.In(Limit)));
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(All.Select(stream => stream.DisposeAsync().AsTask()));

    private Task CommandAsync(SiloUnderTest silo, int count) =>
        count % 60 == 15 ? RevokeAsync(silo) : _cluster.TokenAsync(silo, Workload($"{silo.Name}-{count}"), Limit);

    private async Task RegisterAsync(SiloUnderTest silo, int count)
    {
        var name = $"r{_run}-{silo.Name}-{count}";
        if (count % 2 == 0)
        {
            var address = $"127.0.0.1:{1000 + count}";
            await silo.Admin.SetServiceAsync(
                new SetServiceRequest { Name = $"{name}.reg:80", Endpoints = { new Mesh.Admin.V1.Endpoint { Address = address } } }, deadline: Deadline.In(Limit));
            _ledger.HasService($"{name}.reg:80", address);
        }
        else
        {
            await silo.Admin.SetDefaultPolicyAsync(
                new SetDefaultPolicyRequest { Namespace = "reg", ServiceAccount = name, Mode = "deny" }, deadline: Deadline.In(Limit));
            _ledger.HasPolicy(name, "deny");
        }
    }

    private async Task EnrollAsync(ProxyHostUnderTest proxyHost, int count)
    {
        var id = Workload($"r{_run}-{proxyHost.Name}-{count}");
        var token = await TokenAsync(id);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var proxy = new TestProxy(proxyHost.Address);
        var answer = await proxy.Enrollment.EnrollAsync(
            new EnrollRequest { Token = token, Csr = ByteString.CopyFrom(CertificateRequestBuilder.CreateCsr(id, key)) },
            deadline: Deadline.In(TimeSpan.FromSeconds(3)));
        _ledger.Issued(answer, proxyHost.Name);
    }

    // From any silo that answers: which one does is not what is looked at here.
    private async Task<string> TokenAsync(SpiffeId id)
    {
        var asked = _cluster.Silos.Select(silo => _cluster.TokenAsync(silo, id, Limit)).ToList();
        await foreach (var answer in Task.WhenEach(asked))
        {
            if (answer.IsCompletedSuccessfully)
            {
                return await answer;
            }
        }

        return await asked[0];
    }

    private async Task ReadBundleAsync(SiloUnderTest silo)
    {
        var answer = await silo.Admin.GetBundleAsync(new GetBundleRequest(), deadline: Deadline.In(Limit));
        _ledger.SawJwks(System.Text.Encoding.UTF8.GetBytes(answer.Jwks), silo.Name);
    }

    private SpiffeId Workload(string name) => SpiffeId.ForWorkload(_cluster.TrustDomainName, "load", name);
}
