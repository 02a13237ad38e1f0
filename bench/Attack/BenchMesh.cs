using Mesh.Tests.Processes;

namespace Mesh.Bench.Attack;

/// <summary>A silo and a ProxyHost on loopback, in a folder of their own, run by the command line as an operator does.</summary>
internal sealed class BenchMesh : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _listen = FreePorts.NextAddress();
    private readonly TestProcess _silo;
    private TestProcess? _proxyHost;

    private BenchMesh() => _silo = TestProcess.StartDotnet("silo", Programs.Assembly("Silo"),
    [
        $"--Silo:Data={Data}", $"--Silo:HttpsListen={FreePorts.NextAddress()}", $"--Silo:AdminListen={FreePorts.NextAddress()}",
        $"--Silo:SiloPort={FreePorts.Next()}", $"--Silo:GatewayPort={FreePorts.Next()}",
    ]);

    public TestProcess ProxyHost => _proxyHost!;

    public Uri ProxyHostUrl => new($"https://{_listen}");

    private string Data => _folder.File("silo");

    public static async Task<BenchMesh> StartAsync(params string[] proxyHostSettings)
    {
        var mesh = new BenchMesh();
        try
        {
            await Eventually.TrueAsync(
                () => !mesh._silo.HasExited ? File.Exists(Path.Combine(mesh.Data, "admin.sock")) : throw new InvalidOperationException(mesh._silo.Output),
                "the silo's socket is there");
            await File.WriteAllTextAsync(mesh._folder.File("proxyhost.token"), await mesh.RunAsync("token", "create-proxyhost", "proxyhost-0"));
            var admin = FreePorts.NextAddress();
            mesh._proxyHost = TestProcess.StartDotnet("proxyhost", Programs.Assembly("ProxyHost"),
            [
                $"--ProxyHost:TokenFile={mesh._folder.File("proxyhost.token")}", $"--ProxyHost:Data={mesh._folder.File("proxyhost")}",
                $"--ProxyHost:Listen={mesh._listen}", $"--ProxyHost:AdminListen={admin}", .. proxyHostSettings,
            ]);
            using var http = new HttpClient();
            await Eventually.TrueAsync(() => IsReadyAsync(http, admin), "the ProxyHost is ready");
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>A join token for a workload.</summary>
    public Task<string> TokenAsync(string workload) => RunAsync("token", "create", $"shop/{workload}", "--address", ProxyHostUrl.ToString().TrimEnd('/'));

    public async ValueTask DisposeAsync()
    {
        if (_proxyHost is not null)
        {
            await _proxyHost.DisposeAsync();
        }

        await _silo.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<string> RunAsync(params string[] command)
    {
        await using var mesh = TestProcess.StartDotnet("mesh", Programs.Assembly("Cli", "mesh"), [.. command, "--data", Data]);
        return await mesh.ExitedAsync(TimeSpan.FromSeconds(30)) == 0
            ? mesh.StandardOutput.Trim()
            : throw new InvalidOperationException($"mesh {string.Join(' ', command)} failed: {mesh.Output}");
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, string admin)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://{admin}/ready"));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
