using System.Net;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>NATS, by its text protocol: the server speaks first, and again whenever it has something to say.</summary>
internal sealed class NatsServer() : RealServer("nats", 4222, ("nats-server", "nats-server"))
{
    public override Task<TestProcess> StartAsync(NetworkHost host, string folder) => Task.FromResult(host.Start("nats", "nats-server", ["-a", "::", "-p", "4222"], Nobody));

    public override async Task ConverseAsync(NetworkHost client, IPAddress server, string folder)
    {
        using var subscriber = await GreetAsync(client, server);
        await subscriber.SayAsync("SUB news 1", "PING");
        Assert.Equal("PONG", await subscriber.HearAsync());
        using var publisher = await GreetAsync(client, server);
        await publisher.SayAsync("PUB news 5", "hello", "PING");
        Assert.Equal("PONG", await publisher.HearAsync());

        Assert.Equal("MSG news 1 5", await subscriber.HearAsync());
        Assert.Equal("hello", await subscriber.HearAsync());
    }

    private async Task<TextConversation> GreetAsync(NetworkHost client, IPAddress server)
    {
        var conversation = await ConnectAsync(client, server);
        Assert.StartsWith("INFO {", await conversation.HearAsync(), StringComparison.Ordinal);
        await conversation.SayAsync("CONNECT {\"verbose\":false}", "PING");
        Assert.Equal("PONG", await conversation.HearAsync());
        return conversation;
    }
}
