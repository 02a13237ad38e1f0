using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Mesh.Proxy.Hosting;

/// <summary>Reads the options by hand: no reflection, and every mistake is named at once, a misspelt key too.</summary>
internal sealed partial class ProxyOptionsReader
{
    private static readonly string[] Keys =
    [
        "TokenFile", "Data", "ProxyHosts", "Inbound", "Outbound", "Admin", "ReportInterval", "Drain", "DetectTimeout", "ConnectTimeout",
        "MaxConnections",
    ];

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
        CheckHasNoValue(proxy.GetSection("ProxyHosts"), "0");
        CheckHasNoValue(proxy.GetSection("Inbound"), "0:Listen");
        CheckHasNoValue(proxy.GetSection("Outbound"), "0:Listen");
        var defaults = new ProxyOptions { TokenFile = "", Data = "" };
        var options = new ProxyOptions
        {
            TokenFile = Required(proxy, "TokenFile", "the file that holds the join token"),
            Data = Required(proxy, "Data", "the data folder"),
            ProxyHosts = [.. proxy.GetSection("ProxyHosts").GetChildren().Select(Address)],
            Inbound = [.. proxy.GetSection("Inbound").GetChildren().Select(ReadInbound)],
            Outbound = [.. proxy.GetSection("Outbound").GetChildren().Select(ReadOutbound)],
            AdminListen = proxy["Admin:Listen"] is null ? defaults.AdminListen : EndPoint(proxy.GetSection("Admin"), "Listen"),
            ReportInterval = Duration(proxy, "ReportInterval", defaults.ReportInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            Drain = Duration(proxy, "Drain", defaults.Drain, TimeSpan.Zero, TimeSpan.FromHours(1)),
            DetectTimeout = Duration(proxy, "DetectTimeout", defaults.DetectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            ConnectTimeout = Duration(proxy, "ConnectTimeout", defaults.ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            MaxConnections = Number(proxy, "MaxConnections", defaults.MaxConnections, 1, 1_000_000),
        };
        CheckPorts(options);
        return options;
    }

    private InboundOptions ReadInbound(IConfigurationSection section)
    {
        CheckKeys(section, ["Listen", "Application"]);
        return new InboundOptions(EndPoint(section, "Listen"), EndPoint(section, "Application"));
    }

    private OutboundOptions ReadOutbound(IConfigurationSection section)
    {
        CheckKeys(section, ["Listen", "Service"]);
        var service = section["Service"] ?? "";
        if (!ServiceName().IsMatch(service) || !ushort.TryParse(service.AsSpan(service.LastIndexOf(':') + 1), CultureInfo.InvariantCulture, out _))
        {
            _mistakes.Add($"{section.Path}:Service '{service}' is not NAME.NAMESPACE:PORT, e.g. voting.emojivoto:8080.");
            service = "none.none:1";
        }

        return new OutboundOptions(EndPoint(section, "Listen"), service);
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
