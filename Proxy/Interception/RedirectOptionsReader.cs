using System.Globalization;
using System.Net;

namespace Mesh.Proxy.Interception;

/// <summary>What <c>Proxy init</c> was told.</summary>
/// <param name="Redirect">The rules to write, or null to take them away.</param>
/// <param name="IsDryRun">Whether the ruleset is printed and nothing is changed.</param>
internal sealed record InitRequest(RedirectOptions? Redirect, bool IsDryRun);

/// <summary>Reads the command line of <c>Proxy init</c>; every mistake is named at once.</summary>
internal sealed class RedirectOptionsReader
{
    private const int MaxEntries = 256;
    private const uint HighestUid = uint.MaxValue - 1;

    private static readonly string[] Flags = ["--dry-run", "--undo"];

    private static readonly string[] Valued =
    [
        "--proxy-uid", "--outbound-port", "--inbound-port", "--admin-port", "--skip-inbound-ports", "--skip-outbound-ports", "--skip-subnets",
    ];

    private readonly List<string> _mistakes = [];
    private readonly Dictionary<string, string> _values = [];

    /// <returns>The request, or null and one line for each mistake.</returns>
    public static (InitRequest? Request, IReadOnlyList<string> Mistakes) Read(IReadOnlyList<string> arguments)
    {
        var reader = new RedirectOptionsReader();
        reader.Collect(arguments);
        var request = reader.ReadRequest();
        return reader._mistakes.Count == 0 ? (request, []) : (null, reader._mistakes);
    }

    private void Collect(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var equals = arguments[i].IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? arguments[i] : arguments[i][..equals];
            var isFlag = Flags.Contains(name);
            if (!isFlag && !Valued.Contains(name))
            {
                _mistakes.Add($"'{arguments[i]}' is not an option. Proxy init has: {string.Join(", ", Valued.Concat(Flags))}, --help.");
                continue;
            }

            string? value = null;
            if (equals >= 0)
            {
                value = arguments[i][(equals + 1)..];
            }
            else if (!isFlag && i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                value = arguments[++i];
            }

            AddIf(isFlag && value is not null, $"{name} takes no value.");
            AddIf(!isFlag && value is null, $"{name} has no value.");
            AddIf(!_values.TryAdd(name, value ?? ""), $"{name} is there twice.");
        }
    }

    private InitRequest ReadRequest()
    {
        var isDryRun = _values.ContainsKey("--dry-run");
        if (_values.ContainsKey("--undo"))
        {
            var others = _values.Keys.Except(["--undo", "--dry-run"]).ToList();
            AddIf(others.Count > 0, $"--undo takes everything away, and so does not go with {string.Join(", ", others)}.");
            return new InitRequest(null, isDryRun);
        }

        var options = new RedirectOptions(ProxyUid())
        {
            OutboundPort = Port("--outbound-port", InterceptionPorts.Outbound),
            InboundPort = Port("--inbound-port", InterceptionPorts.Inbound),
            AdminPort = Port("--admin-port", InterceptionPorts.Admin),
            SkipInboundPorts = Ports("--skip-inbound-ports"),
            SkipOutboundPorts = Ports("--skip-outbound-ports"),
            SkipSubnets = Subnets("--skip-subnets"),
        };
        var ports = new[] { options.OutboundPort, options.InboundPort, options.AdminPort };
        AddIf(ports.Distinct().Count() < ports.Length, $"--outbound-port, --inbound-port and --admin-port must differ; they are {string.Join(", ", ports)}.");
        return new InitRequest(options, isDryRun);
    }

    private uint ProxyUid()
    {
        if (!_values.TryGetValue("--proxy-uid", out var text))
        {
            // No default: with a wrong one the proxy's own connections would come back to it without end.
            _mistakes.Add("--proxy-uid is missing: name the user that the proxy runs as.");
            return 1;
        }

        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var uid) && uid is > 0 and <= HighestUid)
        {
            return uid;
        }

        _mistakes.Add(uid == 0 && text.All(digit => digit == '0') && text.Length > 0
            ? "--proxy-uid 0 would let everything pass that runs as root. Run the proxy as a user of its own."
            : $"--proxy-uid '{text}' is not a uid from 1 to {HighestUid}.");
        return 1;
    }

    private int Port(string name, int fallback)
    {
        if (!_values.TryGetValue(name, out var text))
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= IPEndPoint.MaxPort)
        {
            return port;
        }

        _mistakes.Add($"{name} '{text}' is not a port from 1 to {IPEndPoint.MaxPort}.");
        return fallback;
    }

    private NumberRanges Ports(string name)
    {
        List<(uint First, uint Last)> ranges = [];
        foreach (var entry in Entries(name))
        {
            if (NumberRanges.TryParseRange(entry, 1, IPEndPoint.MaxPort, out var range))
            {
                ranges.Add(range);
            }
            else
            {
                _mistakes.Add($"{name}: '{entry}' is not a port or a range of ports, as in 22,8000-8999.");
            }
        }

        return NumberRanges.Of(ranges);
    }

    private List<IPNetwork> Subnets(string name)
    {
        List<IPNetwork> subnets = [];
        foreach (var entry in Entries(name))
        {
            // What stands after the prefix is cut off unasked, and may have been meant: 10.0.0.1/8.
            if (IPNetwork.TryParse(entry, out var subnet) && subnet.PrefixLength > 0 && !subnet.BaseAddress.IsIPv4MappedToIPv6
                && IPAddress.TryParse(entry.AsSpan(0, entry.IndexOf('/', StringComparison.Ordinal)), out var written) && written.Equals(subnet.BaseAddress)
                && !entry.Contains('%', StringComparison.Ordinal))
            {
                subnets.Add(subnet);
            }
            else
            {
                _mistakes.Add(subnet.PrefixLength == 0 && entry.EndsWith("/0", StringComparison.Ordinal)
                    ? $"{name}: '{entry}' would skip everything. Take the proxy away instead."
                    : $"{name}: '{entry}' is not a subnet with nothing after its prefix, as in 10.0.0.0/8 or fd00::/8.");
            }
        }

        // A set of nftables takes no subnet inside another.
        return [.. subnets.Distinct().Where(subnet => !subnets.Any(other => other.PrefixLength < subnet.PrefixLength && other.Contains(subnet.BaseAddress)))];
    }

    private string[] Entries(string name)
    {
        if (!_values.TryGetValue(name, out var text))
        {
            return [];
        }

        var entries = text.Split(',');
        AddIf(entries.Length > MaxEntries, $"{name} has {entries.Length} entries; at most {MaxEntries} are read.");
        return entries.Length > MaxEntries ? [] : entries;
    }

    private void AddIf(bool isMistaken, string mistake)
    {
        if (isMistaken)
        {
            _mistakes.Add(mistake);
        }
    }
}
