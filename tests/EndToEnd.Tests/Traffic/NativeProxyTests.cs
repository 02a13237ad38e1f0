using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Traffic;

/// <summary>The NativeAOT build of the proxy: what reflection or trimming could break shows here.</summary>
public class NativeProxyTests
{
    [Fact]
    public async Task The_native_build_enrolls_carries_traffic_renews_and_shows_its_metrics()
    {
        Assert.SkipUnless(
            File.Exists(ProxyBinary.Native),
            "The proxy was not published. apt-get install clang zlib1g-dev; dotnet publish Proxy -c Release -o artifacts/publish/proxy-native");
        await using var mesh = await MeshUnderTest.StartAsync("--Leaf:Lifetime=00:00:06");
        await using var pair = await MeshedPair.StartAsync(mesh, "native", isNative: true);

        Assert.Equal("hello", await PlainClient.TryEchoAsync(pair.Entrance, "hello"));
        await pair.Server.Process.SaysAsync("Certified as", times: 3);
        Assert.Equal("and again", await PlainClient.TryEchoAsync(pair.Entrance, "and again"));
        var metrics = await pair.Server.MetricsAsync();

        Assert.Contains($"client_id=\"{pair.Client.Id}\"", metrics, StringComparison.Ordinal);
        Assert.Equal(0, await pair.Client.Process.StopAsync());
    }

    [Fact]
    public async Task The_native_build_names_every_mistake_in_its_options()
    {
        Assert.SkipUnless(File.Exists(ProxyBinary.Native), "The proxy was not published. dotnet publish Proxy -c Release -o artifacts/publish/proxy-native");

        await using var proxy = ProxyBinary.Start("proxy", ["--Proxy:Drian=1", "--Proxy:MaxConnections=none"], isNative: true);

        Assert.Equal(2, await proxy.ExitedAsync(TimeSpan.FromSeconds(10)));
        Assert.Contains("Proxy:Drian is not an option", proxy.Output, StringComparison.Ordinal);
        Assert.Contains("Proxy:TokenFile is missing", proxy.Output, StringComparison.Ordinal);
        Assert.Contains("Proxy:MaxConnections", proxy.Output, StringComparison.Ordinal);
    }
}
