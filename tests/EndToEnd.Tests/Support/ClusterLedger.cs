using System.Collections.Concurrent;
using System.Security.Cryptography;
using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;
using Npgsql;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Everything that a cluster has ever answered, to be compared with what it says and holds later.</summary>
internal sealed class ClusterLedger(ClusterUnderTest cluster)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, byte> _leaves = [];
    private readonly ConcurrentDictionary<string, byte> _revoked = [];
    private readonly ConcurrentDictionary<string, string> _services = [];
    private readonly ConcurrentDictionary<string, string> _policies = [];
    private readonly ConcurrentDictionary<(long Sequence, string Form), ConcurrentDictionary<string, string>> _bundles = [];
    private long _sequence;

    /// <summary>The highest sequence that anybody was told.</summary>
    public long Sequence => Volatile.Read(ref _sequence);

    public string Summary =>
        $"{_leaves.Count} certificates, {_revoked.Count} revocations, {_services.Count} services, {_policies.Count} policies, {_bundles.Count} bundles";

    public void Issued(CertifyResponse answer, string who)
    {
        _leaves.TryAdd(Convert.ToHexString(SHA256.HashData(answer.Chain[0].Span)), 0);
        SawSigned(answer.SignedBundle, who);
    }

    public void Revoked(TrustDomain answer)
    {
        foreach (var revocation in answer.Revocations)
        {
            _revoked.TryAdd(revocation.KeyHash, 0);
        }

        Saw(answer.Sequence);
    }

    public void HasService(string name, string address) => _services[name] = address;

    public void HasPolicy(string serviceAccount, string mode) => _policies[serviceAccount] = mode;

    /// <summary>A signed bundle that somebody was handed: both the words and the signature are the sequence's for good.</summary>
    public void SawSigned(string jws, string who)
    {
        var bundle = SignedBundle.Parse(jws).Bundle;
        Saw(bundle.Sequence, "signed", jws, who);
        SawJwks(TrustBundleJson.Write(bundle), who);
    }

    /// <summary>A bundle as the admin API shows it.</summary>
    public void SawJwks(byte[] jwks, string who)
    {
        var bundle = TrustBundleJson.Read(jwks);
        Saw(bundle.Sequence, "jwks", Convert.ToHexString(SHA256.HashData(jwks)), who);
        foreach (var revocation in bundle.Revocations)
        {
            _revoked.TryAdd(revocation.KeyHash.ToString(), 0);
        }
    }

    /// <summary>Nothing that was answered is missing, and no sequence had two contents.</summary>
    public async Task CheckAsync()
    {
        Assert.All(_bundles, seen => Assert.True(
            seen.Value.Count == 1, $"Sequence {seen.Key.Sequence} has {seen.Value.Count} contents: seen at {string.Join(", ", seen.Value.Values)}"));
        await CheckCertificatesAsync();
        foreach (var silo in cluster.Silos)
        {
            var trust = await silo.Admin.GetTrustDomainAsync(new GetTrustDomainRequest(), deadline: Deadline.In(Limit));
            Assert.Empty(_revoked.Keys.Except(trust.Revocations.Select(revocation => revocation.KeyHash)));
            Assert.True(trust.Sequence >= Sequence, $"{silo.Name} is at {trust.Sequence}, and {Sequence} was seen.");
            var services = (await silo.Admin.ListServicesAsync(new ListServicesRequest(), deadline: Deadline.In(Limit))).Services
                .ToDictionary(service => service.Name, service => service.Endpoints.FirstOrDefault()?.Address);
            Assert.All(_services, service => Assert.Equal(service.Value, services.GetValueOrDefault(service.Key)));
            await CheckPoliciesAsync(silo);
        }

        foreach (var proxyHost in cluster.ProxyHosts)
        {
            await Eventually.TrueAsync(async () => HoldsAll(await FetchAsync(proxyHost)), $"{proxyHost.Name} holds every revocation");
        }

        foreach (var proxy in cluster.Proxies)
        {
            await Eventually.TrueAsync(() => HoldsAll(ReadBundle(proxy)), $"{proxy.Id} holds every revocation");
        }
    }

    public static async Task<string> FetchAsync(ProxyHostUnderTest proxyHost)
    {
        using var channel = new TestProxy(proxyHost.Address);
        return (await channel.Enrollment.FetchBundleAsync(new FetchBundleRequest(), deadline: Deadline.In(TimeSpan.FromSeconds(3)))).SignedBundle;
    }

    /// <summary>The bundle that a proxy has accepted last.</summary>
    public static string ReadBundle(ProxyUnderTest proxy) => File.ReadAllText(Path.Combine(proxy.Data, "bundle.jws"));

    private bool HoldsAll(string jws) =>
        !_revoked.Keys.Except(SignedBundle.Parse(jws).Bundle.Revocations.Select(revocation => revocation.KeyHash.ToString())).Any();

    private void Saw(long sequence, string form, string content, string who)
    {
        _bundles.GetOrAdd((sequence, form), _ => []).TryAdd(content, who);
        Saw(sequence);
    }

    private void Saw(long sequence)
    {
        for (var seen = Sequence; sequence > seen; seen = Sequence)
        {
            Interlocked.CompareExchange(ref _sequence, sequence, seen);
        }
    }

    // What was answered here, by its bytes; what the proxies were answered, by its number.
    private async Task CheckCertificatesAsync()
    {
        await using var source = NpgsqlDataSource.Create(cluster.ConnectionString);
        await using var query = source.CreateCommand("SELECT spiffe_id, leaf FROM issuance");
        await using var rows = await query.ExecuteReaderAsync();
        var onRecord = new List<(string Id, string Leaf)>();
        while (await rows.ReadAsync())
        {
            onRecord.Add((rows.GetString(0), Convert.ToHexString(SHA256.HashData(rows.GetFieldValue<byte[]>(1)))));
        }

        Assert.Empty(_leaves.Keys.Except(onRecord.Select(record => record.Leaf)));
        foreach (var proxy in cluster.Proxies)
        {
            var told = proxy.Process.Output.Split('\n').Count(line => line.Contains("Certified as spiffe://", StringComparison.Ordinal));
            Assert.InRange(told, 1, onRecord.Count(record => record.Id == proxy.Id.ToString()));
        }
    }

    // Setting a policy that is set already changes nothing, so the version tells whether any was lost.
    private async Task CheckPoliciesAsync(SiloUnderTest silo)
    {
        var versions = new HashSet<long>();
        foreach (var (serviceAccount, mode) in _policies)
        {
            var answer = await silo.Admin.SetDefaultPolicyAsync(
                new SetDefaultPolicyRequest { Namespace = "reg", ServiceAccount = serviceAccount, Mode = mode }, deadline: Deadline.In(Limit));
            versions.Add(answer.Version);
        }

        Assert.Single(versions);
    }
}
