using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Spiffe;
using Mesh.Tests.PostgreSql;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Two silos and two ProxyHosts as processes on a PostgreSQL server of their own, and two meshed workloads that know both ProxyHosts.</summary>
public sealed class ClusterUnderTest : IAsyncLifetime
{
    private const string Service = "server.shop:7000";

    private readonly TempFolder _folder = new();
    private readonly EchoApplication _application = new();
    private PostgreSqlServer? _server;

    public ClusterUnderTest() => Ledger = new ClusterLedger(this);

    internal TrustDomainName TrustDomainName { get; } = TrustDomainName.Parse("mesh.example");

    internal string ConnectionString { get; private set; } = "";

    /// <summary>Whatever the cluster has answered since it started.</summary>
    internal ClusterLedger Ledger { get; }

    internal IReadOnlyList<SiloUnderTest> Silos { get; private set; } = [];

    internal IReadOnlyList<ProxyHostUnderTest> ProxyHosts { get; private set; } = [];

    internal IReadOnlyList<ProxyUnderTest> Proxies { get; private set; } = [];

    /// <summary>Where the client's application connects.</summary>
    internal string Entrance => Proxies[1].Outbound(Service);

    public async ValueTask InitializeAsync()
    {
        PostgreSqlServer.SkipIfMissing();
        _server = await PostgreSqlServer.StartAsync();
        ConnectionString = await _server.CreateDatabaseAsync();
        await StartSilosAsync();
        await StartProxyHostsAsync();
        await StartProxiesAsync();
    }

    /// <summary>Waits until nothing is left of the last fault: everybody knows everybody.</summary>
    internal async Task UntilWholeAsync()
    {
        foreach (var proxyHost in ProxyHosts)
        {
            await proxyHost.UntilConnectedAsync(Silos.Count);
        }

        await Eventually.UntilAsync(WatchesAsync, watches => watches == Proxies.Count, "every proxy holds a watch");
    }

    /// <summary>The last of what everybody said, for a test that has failed.</summary>
    internal string LastWords(int lines) => string.Join(
        Environment.NewLine,
        Silos.Select(silo => silo.Process).Concat(ProxyHosts.Select(proxyHost => proxyHost.Process)).Concat(Proxies.Select(proxy => proxy.Process))
            .Select(process => $"=== {process.Name}{Environment.NewLine}{string.Join(Environment.NewLine, process.Output.Split('\n').TakeLast(lines))}"));

    internal async Task<double> WatchesAsync() => (await Task.WhenAll(ProxyHosts.Select(proxyHost => proxyHost.WatchesAsync()))).Sum();

    /// <summary>A join token for a workload, good at both ProxyHosts.</summary>
    internal async Task<string> TokenAsync(SiloUnderTest silo, SpiffeId workload, TimeSpan limit) =>
        (await silo.Admin.CreateWorkloadTokenAsync(
            new CreateWorkloadTokenRequest
            {
                Namespace = workload.Namespace,
                ServiceAccount = workload.ServiceAccount,
                Lifetime = Duration.FromTimeSpan(TimeSpan.FromMinutes(10)),
                Addresses = { ProxyHosts.Select(proxyHost => proxyHost.Address.ToString().TrimEnd('/')) },
            },
            deadline: Deadline.In(limit))).Token;

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in Proxies)
        {
            await proxy.Process.DisposeAsync();
        }

        foreach (var proxyHost in ProxyHosts)
        {
            await proxyHost.DisposeAsync();
        }

        foreach (var silo in Silos)
        {
            await silo.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        await _application.DisposeAsync();
        _folder.Dispose();
    }

    private async Task StartSilosAsync()
    {
        var connection = _folder.File("connection");
        await File.WriteAllTextAsync(connection, ConnectionString);
        File.SetUnixFileMode(connection, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string[] settings = ["--Store:Provider=postgresql", $"--Store:ConnectionStringFile={connection}", "--Leaf:Lifetime=00:00:15"];
        var first = new SiloUnderTest("silo-0", _folder.File("silo-0"), settings);
        Silos = [first];
        await first.StartAsync(silos: 1);

        var second = new SiloUnderTest("silo-1", _folder.File("silo-1"), settings);
        Silos = [first, second];
        Directory.CreateDirectory(second.Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var key in Directory.GetFiles(first.Data, "*.key"))
        {
            File.Copy(key, Path.Combine(second.Data, Path.GetFileName(key)));
        }

        await second.StartAsync(silos: 2);
    }

    private async Task StartProxyHostsAsync()
    {
        foreach (var name in (string[])["proxyhost-0", "proxyhost-1"])
        {
            var tokenFile = _folder.File($"{name}.token");
            var token = await Silos[0].Admin.CreateProxyHostTokenAsync(new CreateProxyHostTokenRequest { Name = name });
            await File.WriteAllTextAsync(tokenFile, token.Token);
            var proxyHost = new ProxyHostUnderTest(name, tokenFile, _folder.File(name));
            ProxyHosts = [.. ProxyHosts, proxyHost];
            await proxyHost.StartAsync(Silos.Count);
        }
    }

    private async Task StartProxiesAsync()
    {
        var server = await StartProxyAsync("server", _application.Address, []);
        await Silos[0].Admin.SetServiceAsync(new SetServiceRequest
        {
            Name = Service,
            Endpoints = { new Endpoint { Address = server.Inbound, SpiffeId = server.Id.ToString() } },
        });
        var client = await StartProxyAsync("client", null, [Service]);
        await client.Process.SaysAsync($"Service {Service}, version ");
    }

    private async Task<ProxyUnderTest> StartProxyAsync(string workload, string? application, IReadOnlyList<string> services)
    {
        var id = SpiffeId.ForWorkload(TrustDomainName, "shop", workload);
        var tokenFile = _folder.File($"{workload}.token");
        await File.WriteAllTextAsync(tokenFile, await TokenAsync(Silos[0], id, TimeSpan.FromSeconds(10)));
        var proxy = new ProxyUnderTest(id, tokenFile, _folder.File(workload), application, services, [], isNative: false);
        proxy.Start();
        Proxies = [.. Proxies, proxy];
        await Http.UntilReadyAsync(proxy.Admin);
        return proxy;
    }
}
