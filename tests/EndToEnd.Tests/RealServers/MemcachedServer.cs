using System.Net;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>memcached, by its text protocol.</summary>
internal sealed class MemcachedServer() : RealServer("memcached", 11211, ("memcached", "memcached"))
{
    public override Task<TestProcess> StartAsync(NetworkHost host, string folder) =>
        Task.FromResult(host.Start("memcached", "memcached", ["-l", "0.0.0.0,::", "-U", "0"], Nobody));

    public override async Task ConverseAsync(NetworkHost client, IPAddress server, string folder)
    {
        using var conversation = await ConnectAsync(client, server);
        await conversation.SayAsync("set greeting 0 60 5", "hello");
        Assert.Equal("STORED", await conversation.HearAsync());
        await conversation.SayAsync("get greeting");
        Assert.Equal("VALUE greeting 0 5", await conversation.HearAsync());
        Assert.Equal("hello", await conversation.HearAsync());
        Assert.Equal("END", await conversation.HearAsync());
        await conversation.SayAsync("set large 0 60 500000", new string('x', 500_000));
        Assert.Equal("STORED", await conversation.HearAsync());
        await conversation.SayAsync("get large");
        Assert.Equal("VALUE large 0 500000", await conversation.HearAsync());
        Assert.Equal(500_000, (await conversation.HearAsync()).Length);
    }
}
