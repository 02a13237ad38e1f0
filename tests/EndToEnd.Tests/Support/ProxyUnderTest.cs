using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A proxy process in front of one application, with a listener for each service that it calls.</summary>
internal sealed class ProxyUnderTest(
    SpiffeId id, string tokenFile, string data, string? application, IReadOnlyList<string> services, IEnumerable<string> settings, bool isNative)
{
    private readonly Dictionary<string, string> _outbound = services.ToDictionary(service => service, _ => FreePorts.NextAddress());

    public SpiffeId Id => id;

    public TestProcess Process { get; private set; } = null!;

    public string Data => data;

    public string Admin { get; } = FreePorts.NextAddress();

    public string Inbound { get; } = FreePorts.NextAddress();

    public string Outbound(string service) => _outbound[service];

    /// <summary>Starts it, again where it was there before.</summary>
    public TestProcess Start()
    {
        List<string> arguments =
        [
            $"--Proxy:TokenFile={tokenFile}", $"--Proxy:Data={data}", $"--Proxy:Admin:Listen={Admin}", "--Proxy:Drain=00:00:02",
            "--Proxy:ReportInterval=00:00:00.200",
        ];
        if (application is not null)
        {
            arguments.AddRange([$"--Proxy:Inbound:0:Listen={Inbound}", $"--Proxy:Inbound:0:Application={application}"]);
        }

        foreach (var (index, (service, listen)) in _outbound.Index())
        {
            arguments.AddRange([$"--Proxy:Outbound:{index}:Listen={listen}", $"--Proxy:Outbound:{index}:Service={service}"]);
        }

        arguments.AddRange(settings);
        return Process = ProxyBinary.Start($"{id.ServiceAccount}-proxy", arguments, isNative);
    }

    public Task<string> MetricsAsync() => Http.GetAsync($"http://{Admin}/metrics");
}
