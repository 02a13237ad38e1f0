using System.Net;
using Mesh.EndToEnd.Tests.Restarts;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>
/// Servers and clients as Debian ships them, each on a host of its own. Run with <c>-explicit only</c>.
/// </summary>
[Collection(Alone.Name)]
public class RealServerTests
{
    private static readonly IReadOnlyList<RealServer> Servers =
    [
        new RedisServer(), new MemcachedServer(), new NginxServer(), new EtcdServer(), new PostgresServer(), new MariaDbServer(), new NatsServer(), new SshServer(),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Servers.Select(server => server.Name)];

    /// <summary>The control: without the mesh the conversation works, so what fails with it fails for it.</summary>
    [Theory(Explicit = true), MemberData(nameof(Names))]
    public async Task Without_a_mesh_the_conversation_works(string name)
    {
        var server = Servers.Single(server => server.Name == name);
        server.Require();
        await using var lab = await Lab.CreateAsync();
        var (there, here) = (await lab.AddAsync("server", Cancel), await lab.AddAsync("client", Cancel));
        using var folder = new ServerFolder();
        await using var process = await server.StartAsync(there, folder.Path);
        try
        {
            await server.ListensAsync(there);
            await server.ConverseAsync(here, there.Address, folder.Path);
            await server.ConverseAsync(here, there.Address6, folder.Path);
        }
        catch
        {
            TestContext.Current.TestOutputHelper?.WriteLine(process.Output);
            throw;
        }
    }

    [Theory(Explicit = true), MemberData(nameof(Names))]
    public async Task Between_transparent_proxies_the_conversation_works_and_is_in_mTLS(string name)
    {
        var server = Servers.Single(server => server.Name == name);
        server.Require();
        await using var lab = await Lab.CreateAsync();
        var (there, here) = (await lab.AddAsync("server", Cancel), await lab.AddAsync("client", Cancel));
        using var folder = new ServerFolder();
        await using var mesh = await MeshUnderTest.StartAsync([], [], lab.Address);
        await mesh.SetServiceAsync(
            $"{name}.shop:{server.Port}", [$"{new IPEndPoint(there.Address, server.Port)}", $"{new IPEndPoint(there.Address6, server.Port)}"], mesh.IdOf(name));
        await using var serverPod = await TransparentPod.StartAsync(mesh, there, name);
        await using var clientPod = await TransparentPod.StartAsync(mesh, here, $"{name}-client");
        await using var process = await server.StartAsync(there, folder.Path);
        try
        {
            await server.ListensAsync(there);
            await server.ConverseAsync(here, there.Address, folder.Path);
            await server.ConverseAsync(here, there.Address6, folder.Path);

            var (outbound, inbound) = (await clientPod.OutboundAsync(), await serverPod.InboundAsync(server.Port));
            Assert.NotEmpty(outbound);
            Assert.NotEmpty(inbound);
            Assert.All(outbound, edge => Assert.Equal(("true", $"{serverPod.Id}"), (edge.Labels["tls"], edge.Labels.GetValueOrDefault("server_id"))));
            Assert.All(inbound, edge => Assert.Equal(("true", $"{clientPod.Id}"), (edge.Labels["tls"], edge.Labels.GetValueOrDefault("client_id"))));
        }
        catch
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{process.Output}\n=== server's proxy\n{serverPod.Output}\n=== client's proxy\n{clientPod.Output}");
            throw;
        }
    }
}
