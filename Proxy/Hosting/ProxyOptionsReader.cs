using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Mesh.Proxy.Interception;
using Mesh.Spiffe;
using Microsoft.Extensions.Configuration;

namespace Mesh.Proxy.Hosting;

/// <summary>Reads the options by hand: no reflection, and every mistake is named at once, a misspelt key too.</summary>
internal sealed partial class ProxyOptionsReader
{
    private static readonly string[] Keys =
    [
        "TokenFile", "JwtFile", "Identity", "TrustBundleFile", "AnchorHashes", "Data", "ProxyHosts", "Inbound", "Outbound", "Transparent", "Admin",
        "ReportInterval", "TrustLease", "Drain", "DetectTimeout", "ConnectTimeout", "MaxConnections", "Pooling",
    ];

    private const uint HighestUid = uint.MaxValue - 1;
    private const int MaxUidEntries = 64;

    // As many as a user namespace is given: a block of users, but never all of them.
    private const uint MaxUidsInRange = 65_536;
    private const int MaxTransparentListeners = 8;

    private readonly List<string> _mistakes = [];

    /// <returns>The options, or null and one line for each mistake.</returns>
    public static (ProxyOptions? Options, IReadOnlyList<string> Mistakes) Read(IConfiguration configuration)
    {
        var reader = new ProxyOptionsReader();
        var options = reader.ReadSection(configuration.GetSection("Proxy"));
        return reader._mistakes.Count == 0 ? (options, []) : (null, reader._mistakes);
    }

    private ProxyOptions ReadSection(IConfigurationSection proxy)
    {
        CheckKeys(proxy, Keys);
        CheckKeys(proxy.GetSection("Admin"), ["Listen"]);
        CheckHasNoValue(proxy.GetSection("Admin"), "Listen");
        CheckKeys(proxy.GetSection("Pooling"), ["MaxIdle"]);
        CheckHasNoValue(proxy.GetSection("Pooling"), "MaxIdle");
        CheckHasNoValue(proxy.GetSection("ProxyHosts"), "0");
        CheckHasNoValue(proxy.GetSection("AnchorHashes"), "0");
        CheckHasNoValue(proxy.GetSection("Inbound"), "0:Listen");
        CheckHasNoValue(proxy.GetSection("Outbound"), "0:Listen");
        var defaults = new ProxyOptions { Data = "" };
        var options = new ProxyOptions
        {
            TokenFile = proxy["JwtFile"] is null ? Required(proxy, "TokenFile", "the file that holds the join token") : proxy["TokenFile"],
            JwtFile = proxy["JwtFile"] is null ? null : Required(proxy, "JwtFile", "the file that holds the JWT"),
            Identity = Identity(proxy),
            TrustBundleFile = proxy["TrustBundleFile"],
            AnchorHashes = [.. proxy.GetSection("AnchorHashes").GetChildren().Select(AnchorHash).OfType<KeyHash>()],
            Data = Required(proxy, "Data", "the data folder"),
            ProxyHosts = [.. proxy.GetSection("ProxyHosts").GetChildren().Select(Address)],
            Inbound = [.. proxy.GetSection("Inbound").GetChildren().Select(ReadInbound)],
            Outbound = [.. proxy.GetSection("Outbound").GetChildren().Select(ReadOutbound)],
            Transparent = ReadTransparent(proxy.GetSection("Transparent")),
            AdminListen = proxy["Admin:Listen"] is null ? defaults.AdminListen : EndPoint(proxy.GetSection("Admin"), "Listen"),
            ReportInterval = Duration(proxy, "ReportInterval", defaults.ReportInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            TrustLease = proxy["TrustLease"] is null ? null : Duration(proxy, "TrustLease", TimeSpan.Zero, TimeSpan.FromSeconds(5), TimeSpan.FromDays(7)),
            Drain = Duration(proxy, "Drain", defaults.Drain, TimeSpan.Zero, TimeSpan.FromHours(1)),
            DetectTimeout = Duration(proxy, "DetectTimeout", defaults.DetectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            ConnectTimeout = Duration(proxy, "ConnectTimeout", defaults.ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            MaxIdlePooled = Number(proxy.GetSection("Pooling"), "MaxIdle", defaults.MaxIdlePooled, 0, 10_000),
            MaxConnections = Number(proxy, "MaxConnections", defaults.MaxConnections, 1, 1_000_000),
        };
        CheckEvidence(options);
        CheckPorts(options);
        return options;
    }

    // A join token says all of this itself; a JWT says nothing of the mesh.
    private void CheckEvidence(ProxyOptions options)
    {
        var pins = (options.TrustBundleFile is { Length: > 0 } ? 1 : 0) + (options.AnchorHashes.Count > 0 ? 1 : 0);
        if (options.JwtFile is null)
        {
            AddIf(options.Identity is not null, "Proxy:Identity is for Proxy:JwtFile alone: a join token names its identity itself.");
            AddIf(options.TrustBundleFile is not null, "Proxy:TrustBundleFile is for Proxy:JwtFile alone: a join token names its anchors itself.");
            AddIf(options.AnchorHashes.Count > 0, "Proxy:AnchorHashes is for Proxy:JwtFile alone: a join token names its anchors itself.");
            return;
        }

        AddIf(options.TokenFile is not null, "Proxy:TokenFile and Proxy:JwtFile are both there: name one of them.");
        AddIf(options.ProxyHosts.Count == 0, "Proxy:ProxyHosts is missing: with Proxy:JwtFile, name where ProxyHosts listen.");
        AddIf(pins != 1, "Proxy:TrustBundleFile or Proxy:AnchorHashes, and one of them alone, must say with Proxy:JwtFile which anchors may be trusted.");
        AddIf(options.AnchorHashes.Count > JoinToken.MaxEntries, $"Proxy:AnchorHashes has {options.AnchorHashes.Count} entries; at most {JoinToken.MaxEntries} are read.");
    }

    private SpiffeId? Identity(IConfigurationSection proxy)
    {
        if (proxy["Identity"] is not { } text)
        {
            AddIf(proxy["JwtFile"] is not null, "Proxy:Identity is missing: with Proxy:JwtFile, name the workload's SPIFFE ID.");
            return null;
        }

        if (SpiffeId.TryParse(text, out var id, out _) && id.Role == IdentityRole.Workload)
        {
            return id;
        }

        _mistakes.Add($"{proxy.Path}:Identity '{text}' is not spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT.");
        return null;
    }

    private KeyHash? AnchorHash(IConfigurationSection section)
    {
        if (KeyHash.TryParse(section.Value ?? "", out var hash))
        {
            return hash;
        }

        _mistakes.Add($"{section.Path} '{section.Value}' is not a key hash of 64 lower-case hex digits.");
        return null;
    }

    private void AddIf(bool isMistaken, string mistake)
    {
        if (isMistaken)
        {
            _mistakes.Add(mistake);
        }
    }

    private InboundOptions ReadInbound(IConfigurationSection section)
    {
        CheckKeys(section, ["Listen", "Application"]);
        return new InboundOptions(EndPoint(section, "Listen"), EndPoint(section, "Application"));
    }

    private OutboundOptions ReadOutbound(IConfigurationSection section)
    {
        CheckKeys(section, ["Listen", "Service", "Uids"]);
        var service = section["Service"] ?? "";
        if (!ServiceName().IsMatch(service) || !ushort.TryParse(service.AsSpan(service.LastIndexOf(':') + 1), CultureInfo.InvariantCulture, out _))
        {
            _mistakes.Add($"{section.Path}:Service '{service}' is not NAME.NAMESPACE:PORT, e.g. voting.emojivoto:8080.");
            service = "none.none:1";
        }

        return new OutboundOptions(EndPoint(section, "Listen"), service)
        {
            Uids = Numbers(section.GetSection("Uids"), MaxUidEntries, 0, HighestUid, MaxUidsInRange, "a uid, or a range of at most 65536 as in 61184-65519", NumberRanges.None),
        };
    }

    private TransparentOptions? ReadTransparent(IConfigurationSection section)
    {
        CheckKeys(section, ["Enabled", "Outbound", "Inbound"]);
        CheckHasNoValue(section, "Enabled");
        var isEnabled = Flag(section, "Enabled");
        AddIf(!isEnabled && section.GetChildren().Any(child => child.Key is not "Enabled"), $"{section.Path} says where to listen, but {section.Path}:Enabled is not true.");
        var defaults = new TransparentOptions();
        var options = new TransparentOptions
        {
            Outbound = EndPoints(section.GetSection("Outbound"), defaults.Outbound),
            Inbound = EndPoints(section.GetSection("Inbound"), defaults.Inbound),
        };
        return isEnabled ? options : null;
    }

    private IReadOnlyList<IPEndPoint> EndPoints(IConfigurationSection section, IReadOnlyList<IPEndPoint> fallback)
    {
        CheckHasNoValue(section, "0");
        var entries = section.GetChildren().ToList();
        AddIf(entries.Count > MaxTransparentListeners, $"{section.Path} has {entries.Count} entries; at most {MaxTransparentListeners} are read.");
        return entries.Count == 0 ? fallback : [.. entries.Select(entry => EndPoint(section, entry.Key))];
    }

    private NumberRanges Numbers(
        IConfigurationSection section, int maxEntries, uint least, uint most, uint maxInRange, string what, NumberRanges fallback)
    {
        CheckHasNoValue(section, "0");
        var entries = section.GetChildren().ToList();
        AddIf(entries.Count > maxEntries, $"{section.Path} has {entries.Count} entries; at most {maxEntries} are read.");
        List<(uint First, uint Last)> ranges = [];
        foreach (var entry in entries)
        {
            if (NumberRanges.TryParseRange(entry.Value, least, most, out var range) && range.Last - range.First < maxInRange)
            {
                ranges.Add(range);
            }
            else
            {
                _mistakes.Add($"{entry.Path} '{entry.Value}' is not {what}.");
            }
        }

        return entries.Count == 0 ? fallback : NumberRanges.Of(ranges);
    }

    private void CheckKeys(IConfigurationSection section, string[] known)
    {
        foreach (var child in section.GetChildren().Where(child => !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase)))
        {
            _mistakes.Add($"{child.Path} is not an option. {section.Path} has: {string.Join(", ", known)}.");
        }
    }

    private void CheckHasNoValue(IConfigurationSection section, string below)
    {
        if (section.Value is { Length: > 0 } value)
        {
            _mistakes.Add($"{section.Path} '{value}' is not read: its values stand below it, as in {section.Path}:{below}.");
        }
    }

    private void CheckPorts(ProxyOptions options)
    {
        var listeners = options.Inbound.Select(inbound => inbound.Listen)
            .Concat(options.Outbound.Select(outbound => outbound.Listen))
            .Concat(options.Transparent?.Outbound ?? [])
            .Concat(options.Transparent?.Inbound ?? [])
            .Append(options.AdminListen);
        foreach (var twice in listeners.Where(listen => listen.Port != 0).GroupBy(listen => listen).Where(group => group.Count() > 1))
        {
            _mistakes.Add($"Proxy: {twice.Key} is named for {twice.Count()} listeners.");
        }
    }

    private string Required(IConfigurationSection section, string key, string what)
    {
        if (section[key] is { Length: > 0 } value)
        {
            return value;
        }

        _mistakes.Add($"{section.Path}:{key} is missing: name {what}.");
        return "";
    }

    private IPEndPoint EndPoint(IConfigurationSection section, string key)
    {
        if (IPEndPoint.TryParse(section[key] ?? "", out var endpoint) && endpoint.Port != 0)
        {
            return endpoint;
        }

        _mistakes.Add($"{section.Path}:{key} '{section[key]}' is not IP:PORT.");
        return new IPEndPoint(IPAddress.Loopback, 0);
    }

    private Uri Address(IConfigurationSection section)
    {
        if (Uri.TryCreate(section.Value, UriKind.Absolute, out var address) && address.Scheme == "https")
        {
            return address;
        }

        _mistakes.Add($"{section.Path} '{section.Value}' is not https://HOST:PORT.");
        return new Uri("https://invalid");
    }

    private TimeSpan Duration(IConfigurationSection section, string key, TimeSpan fallback, TimeSpan least, TimeSpan most)
    {
        if (section[key] is not { } text)
        {
            return fallback;
        }

        if (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var duration) && duration >= least && duration <= most)
        {
            return duration;
        }

        _mistakes.Add($"{section.Path}:{key} '{text}' is not a time from {least} to {most}.");
        return fallback;
    }

    private bool Flag(IConfigurationSection section, string key)
    {
        if (section[key] is not { } text)
        {
            return false;
        }

        if (bool.TryParse(text, out var flag))
        {
            return flag;
        }

        _mistakes.Add($"{section.Path}:{key} '{text}' is not true or false.");
        return false;
    }

    private int Number(IConfigurationSection section, string key, int fallback, int least, int most)
    {
        if (section[key] is not { } text)
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        _mistakes.Add($"{section.Path}:{key} '{text}' is not a number from {least} to {most}.");
        return fallback;
    }

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?:[1-9][0-9]{0,4}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ServiceName();
}
