using System.Net;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>etcd, and <c>etcdctl</c>: gRPC, and a stream that stays open.</summary>
internal sealed class EtcdServer() : RealServer("etcd", 2379, ("etcd", "etcd-server"), ("etcdctl", "etcd-client"))
{
    public override Task<TestProcess> StartAsync(NetworkHost host, string folder) => Task.FromResult(host.Start(
        "etcd", "etcd",
        [
            "--data-dir", Path.Combine(folder, "etcd"), "--listen-client-urls", "http://0.0.0.0:2379", "--advertise-client-urls", $"http://{host.Address}:2379",
            "--listen-peer-urls", "http://127.0.0.1:2380", "--log-level", "warn",
        ],
        Nobody));

    public override async Task ConverseAsync(NetworkHost client, IPAddress server, string folder)
    {
        Assert.Equal("OK", await CtlAsync("put", "greeting", "hello"));
        Assert.Equal("hello", await CtlAsync("get", "greeting", "--print-value-only"));
        await using var watch = client.Start("watch", "env", Words("watch", "greeting", "--rev=1"));
        await watch.SaysAsync("hello");
        Assert.Equal("OK", await CtlAsync("put", "greeting", "good evening"));
        await watch.SaysAsync("good evening");

        Task<string> CtlAsync(params string[] words) => RunAsync(client, null, "env", Words(words));
        string[] Words(params string[] words) => ["ETCDCTL_API=3", "etcdctl", "--endpoints", $"{new IPEndPoint(server, Port)}", .. words];
    }
}
