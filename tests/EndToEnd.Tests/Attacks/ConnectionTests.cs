using System.Net;
using System.Net.Sockets;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>Connections without number, and connections that get nowhere.</summary>
public class ConnectionTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private const int PerAddress = 1_000;
    private const int Unproven = 4_000;

    private MeshUnderTest Mesh => running.Mesh;

    [Fact(Explicit = true)]
    public async Task Thousands_of_handshakes_left_half_open_are_bounded_by_address_and_in_all_and_then_ended()
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        var (addresses, all, handshakes) = (
            await Refusals.CountAsync(Mesh, "MaxUnprovenConnectionsPerAddress"), await Refusals.CountAsync(Mesh, "MaxUnprovenConnections"),
            await Refusals.CountAsync(Mesh, "Handshake"));
        List<Socket> sockets = [];
        try
        {
            // 10,000 from ten hosts: each has 1,000 at the most, and together they have 4,000.
            for (var host = 0; host < 10; host++)
            {
                await OpenAsync(sockets, IPAddress.Parse($"127.0.1.{host + 1}"), host == 0 ? PerAddress + 200 : PerAddress);
            }

            await Refusals.GrewAsync(Mesh, "MaxUnprovenConnectionsPerAddress", addresses, by: 200);
            await Refusals.GrewAsync(Mesh, "MaxUnprovenConnections", all, by: 5_000);
            Assert.InRange(sockets.Count(socket => !Sockets.HasEnded(socket)), 3_000, Unproven);

            // Those are let go when their time for a handshake is over.
            await Eventually.TrueAsync(() => sockets.All(Sockets.HasEnded), "every half-open handshake is ended");
            await Refusals.GrewAsync(Mesh, "Handshake", handshakes, by: 3_000);
            await bystander.WasServedAsync();
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    [Fact(Explicit = true)]
    public async Task Connections_are_bounded_in_all_whoever_opens_them()
    {
        const int Most = 20;
        await using var mesh = await MeshUnderTest.StartAsync([], [$"--ProxyHost:MaxConnections={Most}"]);
        using var credential = (await TestProxy.EnrollAsync(mesh, "web")).Credential;
        List<RawHttp2> open = [];
        try
        {
            while (open.Count < Most && await TryConnectAsync(mesh, credential) is { } connection)
            {
                open.Add(connection);
            }

            // The connection of the enrollment may not have ended yet.
            Assert.InRange(open.Count, Most - 1, Most);
            var before = await Refusals.CountAsync(mesh, "MaxConnections");
            Assert.Null(await TryConnectAsync(mesh, credential));
            await Refusals.GrewAsync(mesh, "MaxConnections", before);
            // One that ends makes room.
            await open[0].DisposeAsync();
            open.RemoveAt(0);
            open.Add(await Eventually.UntilAsync(() => TryConnectAsync(mesh, credential), connection => connection is not null, "there is room again") ?? throw new InvalidOperationException());
        }
        finally
        {
            foreach (var connection in open)
            {
                await connection.DisposeAsync();
            }
        }
    }

    [Fact(Explicit = true)]
    public async Task Headers_that_never_end_are_given_up()
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        var before = await Refusals.CountAsync(Mesh, "RequestHeadersTimeout");
        var slow = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            var connection = await RawHttp2.ConnectAsync(Mesh.ProxyHostUrl, null, IPAddress.Parse("127.0.2.1"));
            await connection.SendAsync(connection.Call(1, RawCalls.Certify, isComplete: false));
            return connection;
        }));

        var ended = await Task.WhenAll(slow.Select(connection => connection.EndedAsync(TimeSpan.FromSeconds(15))));

        Assert.All(ended, time => Assert.NotNull(time));
        await Refusals.GrewAsync(Mesh, "RequestHeadersTimeout", before, by: slow.Length);
        await bystander.WasServedAsync();
        foreach (var connection in slow)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task OpenAsync(List<Socket> sockets, IPAddress from, int count)
    {
        for (var i = 0; i < count; i++)
        {
            // The first bytes of a ClientHello, and no more. Whom the server refuses may hear of it as early as this.
            try
            {
                var socket = await Sockets.ConnectAsync(Mesh.ProxyHostUrl, from);
                sockets.Add(socket);
                await socket.SendAsync(new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00 }, SocketFlags.None);
            }
            catch (SocketException)
            {
            }
        }
    }

    private static async Task<RawHttp2?> TryConnectAsync(MeshUnderTest mesh, SvidCredential credential)
    {
        try
        {
            return await RawHttp2.ConnectAsync(mesh.ProxyHostUrl, credential);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            return null;
        }
    }
}
