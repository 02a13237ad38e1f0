using System.Net;
using Mesh.Cli.Network;
using Mesh.EndToEnd.Tests.Restarts;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Network;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>
/// Servers and clients as Debian ships them, each on a host of its own, with transparent proxies on both sides. Run with <c>-explicit only</c>.
/// </summary>
[Collection(Alone.Name)]
public class TransparentServerTests(TransparentServerTests.SharedMesh shared) : IClassFixture<TransparentServerTests.SharedMesh>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => RealServer.Names;

    [Theory(Explicit = true), MemberData(nameof(Names))]
    public async Task Between_transparent_proxies_the_conversation_works_and_is_in_mTLS(string name)
    {
        var server = RealServer.Of(name);
        server.Require();
        var (lab, mesh) = await shared.GetAsync();
        var (there, here) = (await lab.AddAsync(name, Cancel), await lab.AddAsync($"{name}-c", Cancel));
        using var folder = new ServerFolder();
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

    /// <summary>One control plane for all of them, on the lab's wire.</summary>
    public sealed class SharedMesh : IAsyncDisposable
    {
        private NetworkLab? _lab;
        private MeshUnderTest? _mesh;

        public async ValueTask DisposeAsync()
        {
            await (_mesh?.DisposeAsync() ?? ValueTask.CompletedTask);
            await (_lab?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        // Not before a test wants it, who may be skipped.
        internal async Task<(NetworkLab Lab, MeshUnderTest Mesh)> GetAsync()
        {
            _lab ??= await Lab.CreateAsync();
            _mesh ??= await MeshUnderTest.StartAsync([], [], _lab.Address);
            return (_lab, _mesh);
        }
    }
}
