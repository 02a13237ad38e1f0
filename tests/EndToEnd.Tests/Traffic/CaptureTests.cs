using System.Text;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Traffic;

/// <summary>What somebody on the wire sees.</summary>
public class CaptureTests(RunningMesh running)
{
    private const string Secret = "the-words-that-nobody-else-may-read";

    [Fact]
    public async Task Between_the_proxies_there_is_tls_1_3_and_none_of_the_applications_bytes()
    {
        Tools.Require("tshark", "tshark");
        await using var pair = await MeshedPair.StartAsync(running.Mesh, "wire");
        using var folder = new TempFolder();
        // The same bytes pass the plain port of the application: the control that shows the capture sees what there is to see.
        var (meshPort, plainPort) = (pair.Server.Inbound.Split(':')[1], pair.Application.Port);
        await using var capture = TestProcess.Start("tshark", "tshark", ["-i", "lo", "-w", folder.File("wire.pcap"), "-f", $"tcp port {meshPort} or tcp port {plainPort}"]);
        await capture.SaysAsync("Capturing on");
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.Equal(Secret, await PlainClient.TryEchoAsync(pair.Entrance, Secret));
                // Each try is a connection of its own. One that the capture has seen from its handshake on is what is looked at.
                return File.Exists(folder.File("wire.pcap"))
                    && (await ReadAsync(folder, $"tcp.port == {plainPort}", "tcp.payload")).Length > 0
                    && (await VersionsAsync(folder, meshPort)).Length > 0;
            },
            "the capture has begun");
        capture.Signal(TestProcess.SigInt);
        await capture.ExitedAsync(TimeSpan.FromSeconds(10));

        var plain = await ReadAsync(folder, $"tcp.port == {plainPort}", "tcp.payload");
        var meshed = await ReadAsync(folder, $"tcp.port == {meshPort}", "tcp.payload");
        var versions = await VersionsAsync(folder, meshPort);

        var secret = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Secret));
        Assert.Contains(secret, plain, StringComparison.Ordinal);
        Assert.NotEmpty(meshed);
        Assert.DoesNotContain(secret, meshed, StringComparison.Ordinal);
        Assert.NotEmpty(versions);
        Assert.All(versions.Split('\n', StringSplitOptions.RemoveEmptyEntries), version => Assert.Equal("0x0304", version));
    }

    // What each ServerHello has chosen.
    private static Task<string> VersionsAsync(TempFolder folder, string port) => ReadAsync(
        folder, $"tcp.port == {port} && tls.handshake.type == 2", "tls.handshake.extensions.supported_version", $"tcp.port=={port},tls");

    // One line a packet: the field's value.
    private static async Task<string> ReadAsync(TempFolder folder, string filter, string field, string? decodeAs = null)
    {
        string[] decode = decodeAs is null ? [] : ["-d", decodeAs];
        await using var reader = TestProcess.Start("tshark", "tshark", ["-r", folder.File("wire.pcap"), .. decode, "-Y", filter, "-T", "fields", "-e", field]);
        await reader.ExitedAsync(TimeSpan.FromSeconds(20));
        return reader.StandardOutput;
    }
}
