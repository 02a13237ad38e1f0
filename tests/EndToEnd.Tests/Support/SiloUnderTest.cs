using Grpc.Core;
using Grpc.Net.Client;
using Mesh.Admin.V1;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>One silo of several, in a process of its own, and its admin API.</summary>
internal sealed class SiloUnderTest : IAsyncDisposable
{
    private readonly GrpcChannel _channel;
    private readonly string[] _settings;
    private readonly string _probes = FreePorts.NextAddress();

    public SiloUnderTest(string name, string data, params string[] settings)
    {
        (Name, Data) = (name, data);
        _settings =
        [
            $"--Silo:Data={data}", $"--Silo:Name={name}", $"--Silo:HttpsListen={FreePorts.NextAddress()}", $"--Silo:AdminListen={_probes}",
            $"--Silo:SiloPort={FreePorts.Next()}", $"--Silo:GatewayPort={FreePorts.Next()}", "--Silo:Drain=00:00:02", .. settings,
        ];
        _channel = AdminSocket.Open(Path.Combine(data, "admin.sock"));
        Admin = new Mesh.Admin.V1.Admin.AdminClient(_channel);
    }

    public string Name { get; }

    public string Data { get; }

    public Mesh.Admin.V1.Admin.AdminClient Admin { get; }

    public TestProcess Process { get; private set; } = null!;

    /// <summary>Starts it, again where it was there before, and waits until it serves as one of so many.</summary>
    public async Task StartAsync(int silos)
    {
        Process = TestProcess.StartDotnet(Name, Programs.Assembly("Silo"), _settings);
        await Eventually.UntilAsync(KnownSilosAsync, known => known == silos, $"{Name} serves as one of {silos}");
    }

    public async ValueTask DisposeAsync()
    {
        if (Process is not null)
        {
            await Process.DisposeAsync();
        }

        _channel.Dispose();
    }

    // A token for a ProxyHost names every silo that this one knows of.
    private async Task<int> KnownSilosAsync()
    {
        if (Process.HasExited)
        {
            throw new InvalidOperationException($"{Name} has ended: {Process.Output}");
        }

        try
        {
            var token = await Admin.CreateProxyHostTokenAsync(new CreateProxyHostTokenRequest { Name = "probe" }, deadline: Deadline.In(TimeSpan.FromSeconds(3)));
            return await Http.IsReadyAsync(_probes) ? Mesh.Spiffe.JoinToken.ParseUnverified(token.Token).Addresses.Count : 0;
        }
        catch (RpcException)
        {
            return 0;
        }
    }
}
