using Mesh.Cli.Commands;
using Mesh.Cli.Output;

namespace Mesh.Cli.Demo;

/// <summary>The <c>--set Section:Key=value</c> of the demo, and which processes each of them reaches.</summary>
internal sealed class DemoSettings
{
    private static readonly Dictionary<string, ProcessRole> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Silo"] = ProcessRole.Silo,
        ["Store"] = ProcessRole.Silo,
        ["Anchor"] = ProcessRole.Silo,
        ["Issuer"] = ProcessRole.Silo,
        ["Leaf"] = ProcessRole.Silo,
        ["Attestation"] = ProcessRole.Silo,
        ["ProxyHost"] = ProcessRole.ProxyHost,
        ["Proxy"] = ProcessRole.Proxy,
    };

    private readonly List<(ProcessRole Role, string Key, string Value)> _settings = [];

    /// <exception cref="CliException">One of them is not Section:Key=value of a section that exists.</exception>
    public static DemoSettings Parse(IEnumerable<string> texts)
    {
        var settings = new DemoSettings();
        foreach (var text in texts)
        {
            if (text.Split('=', 2) is not [var key, var value] || key.Split(':', 2) is not [var section, { Length: > 0 }])
            {
                throw new CliException(ExitCodes.Usage, $"--set '{text}' is not Section:Key=value.", "Write for example --set Leaf:Lifetime=10s.");
            }

            if (!Sections.TryGetValue(section, out var role))
            {
                throw new CliException(
                    ExitCodes.Usage, $"--set '{text}': there is no section {section}.", $"The sections are {string.Join(", ", Sections.Keys)}.");
            }

            settings._settings.Add((role, key, Durations.TryParse(value, out var duration) ? duration.ToString("c") : value));
        }

        return settings;
    }

    /// <summary>The arguments for a process.</summary>
    public IEnumerable<string> ArgumentsFor(ProcessRole role) =>
        _settings.Where(setting => setting.Role == role).Select(setting => $"--{setting.Key}={setting.Value}");

    /// <summary>What a key was set to; null where it was not.</summary>
    public string? Find(string key) =>
        _settings.LastOrDefault(setting => string.Equals(setting.Key, key, StringComparison.OrdinalIgnoreCase)).Value;
}

/// <summary>What a process of the demo is.</summary>
internal enum ProcessRole
{
    Silo,
    ProxyHost,
    Proxy,
    Application,
}
