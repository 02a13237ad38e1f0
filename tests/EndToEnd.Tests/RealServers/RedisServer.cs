using System.Net;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>Redis, and <c>redis-cli</c>: the client speaks first, and many requests may be on their way at once.</summary>
internal sealed class RedisServer() : RealServer("redis", 6379, ("redis-server", "redis-server"), ("redis-cli", "redis-tools"))
{
    public override Task<TestProcess> StartAsync(NetworkHost host, string folder) => Task.FromResult(host.Start(
        "redis", "redis-server", ["--bind", "0.0.0.0", "::", "--protected-mode", "no", "--dir", folder, "--save", ""], Nobody));

    public override async Task ConverseAsync(NetworkHost client, IPAddress server, string folder)
    {
        Assert.Equal("PONG", await CliAsync("ping"));
        Assert.Equal("OK", await CliAsync("set", "greeting", "hello"));
        Assert.Equal("hello", await CliAsync("get", "greeting"));
        Assert.Equal("1048576", await CliAsync("setrange", "large", "1048575", "x"));
        Assert.Equal(1_048_576, (await CliAsync("get", "large")).Length);

        Task<string> CliAsync(params string[] words) => RunAsync(client, null, "redis-cli", ["-h", $"{server}", .. words]);
    }
}
