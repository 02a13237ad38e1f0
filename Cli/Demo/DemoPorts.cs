using System.Globalization;
using System.Net;
using Mesh.Cli.Output;

namespace Mesh.Cli.Demo;

/// <summary>Every port of the demo, by what it is for. Known ones by default; from a base upwards with <c>--base-port</c>.</summary>
internal sealed class DemoPorts
{
    // What for, the default, and the setting that moves it.
    private static readonly (string What, int Default, string? Setting)[] Known =
    [
        ("silo HTTPS", 8443, "Silo:HttpsListen"),
        ("silo admin", 9994, "Silo:AdminListen"),
        ("silo Orleans", 11111, "Silo:SiloPort"),
        ("silo Orleans gateway", 30000, "Silo:GatewayPort"),
        ("ProxyHost", 8086, "ProxyHost:Listen"),
        ("ProxyHost admin", 9990, "ProxyHost:AdminListen"),
        ("web inbound", 8080, null),
        ("web application", 8180, null),
        ("web outbound emoji", 8181, null),
        ("web outbound voting", 8182, null),
        ("web admin", 4191, null),
        ("emoji inbound", 8083, null),
        ("emoji application", 8280, null),
        ("emoji admin", 4291, null),
        ("voting inbound", 8084, null),
        ("voting application", 8380, null),
        ("voting admin", 4391, null),
        ("vote-bot outbound web", 8481, null),
        ("vote-bot admin", 4491, null),
        ("web inbound TLS", 8085, null),
        ("web application TLS", 8185, null),
        ("prometheus outbound web", 8581, null),
        ("prometheus outbound emoji", 8582, null),
        ("prometheus outbound voting", 8583, null),
        ("prometheus outbound vote-bot", 8584, null),
        ("prometheus admin", 4591, null),
    ];

    /// <summary>The highest port that all of them still fit above.</summary>
    public static readonly int HighestBase = IPEndPoint.MaxPort - Known.Length + 1;

    private readonly Dictionary<string, int> _ports = [];

    public DemoPorts(int? basePort, DemoSettings settings)
    {
        for (var i = 0; i < Known.Length; i++)
        {
            var (what, port, setting) = Known[i];
            var chosen = setting is null ? null : settings.Find(setting);
            _ports[what] = chosen is null ? (basePort is { } start ? start + i : port) : PortOf(setting!, chosen);
        }
    }

    public int this[string what] => _ports[what];

    /// <summary>IP:PORT on loopback.</summary>
    public string Address(string what) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_ports[what]}");

    /// <exception cref="CliException">A port is taken; the message says which, by whom and how to choose another.</exception>
    public void CheckFree() => CheckFree(controlPlaneOnly: false);

    /// <param name="controlPlaneOnly">Whether the workloads have hosts of their own, and so all their ports to themselves.</param>
    /// <inheritdoc cref="CheckFree()"/>
    public void CheckFree(bool controlPlaneOnly)
    {
        foreach (var (what, _, setting) in Known)
        {
            var port = _ports[what];
            // Only the control plane's have settings.
            if ((controlPlaneOnly && setting is null) || PortHolder.IsFree(port))
            {
                continue;
            }

            var holder = PortHolder.Find(port) is { } found ? $" by {found}" : "";
            var other = setting switch
            {
                null => "Choose others for all with --base-port 20000.",
                "Silo:SiloPort" or "Silo:GatewayPort" => $"Choose another with --set {setting}={port + 1}, or others for all with --base-port 20000.",
                _ => $"Choose another with --set {setting}=127.0.0.1:{port + 1}, or others for all with --base-port 20000.",
            };
            throw new CliException(ExitCodes.Environment, $"Port {port} ({what}) is already taken{holder}.", other);
        }
    }

    private static int PortOf(string setting, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= IPEndPoint.MaxPort ? port
        : IPEndPoint.TryParse(value, out var endpoint) && endpoint.Port > 0 ? endpoint.Port
        : throw new CliException(ExitCodes.Usage, $"--set {setting}={value}: that names no port.", "Write 127.0.0.1:PORT, or PORT for Orleans' two.");
}
