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
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => RealServer.Names;

    /// <summary>The control: without the mesh the conversation works, so what fails with it fails for it.</summary>
    [Theory(Explicit = true), MemberData(nameof(Names))]
    public async Task Without_a_mesh_the_conversation_works(string name)
    {
        var server = RealServer.Of(name);
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
}
