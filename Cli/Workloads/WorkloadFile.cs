using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Spiffe;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Mesh.Cli.Workloads;

/// <summary>
/// Workloads in YAML, read strictly: what is unknown is a mistake, and every mistake is named with its line and field, all at once.
/// </summary>
internal sealed class WorkloadFile
{
    private const int MaxBytes = 1024 * 1024;
    private const int MaxWorkloads = 1_000;
    private const int MaxDescriptionChars = 256;
    private const int MaxMistakesShown = 50;

    private static readonly TrustDomainName AnyTrustDomain = TrustDomainName.Parse("any");
    private static readonly string[] Fields = ["namespace", "serviceAccount", "defaultPolicy", "description"];
    private static readonly string[] Policies = ["deny", "cluster-authenticated", "all-authenticated", "all-unauthenticated"];

    private readonly string _name;
    private readonly List<string> _mistakes = [];
    private readonly Dictionary<string, long> _seen = [];

    private WorkloadFile(string name) => _name = name;

    /// <exception cref="CliException">The file cannot be read, or something in it is wrong.</exception>
    public static IReadOnlyList<WorkloadRegistration> Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return stream.Length <= MaxBytes
                ? Parse(path, new StreamReader(stream).ReadToEnd())
                : throw Unreadable($"{path} has {stream.Length} bytes; at most {MaxBytes} are read.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(e.Message);
        }
    }

    /// <param name="name">What the file is called in messages.</param>
    /// <param name="text">YAML.</param>
    public static IReadOnlyList<WorkloadRegistration> Parse(string name, string text)
    {
        var file = new WorkloadFile(name);
        var workloads = file.Parse(text);
        if (file._mistakes.Count == 0)
        {
            return workloads;
        }

        var count = file._mistakes.Count == 1 ? "1 mistake" : string.Create(CultureInfo.InvariantCulture, $"{file._mistakes.Count} mistakes");
        IEnumerable<string> lines = [$"{count} in {name}; nothing was created.", .. file._mistakes.Take(MaxMistakesShown).Select(mistake => $"  {mistake}")];
        throw Unreadable(string.Join(Environment.NewLine, lines));
    }

    private static CliException Unreadable(string what) => new(ExitCodes.Usage, what, "mesh workload create --help shows what such a file looks like.");

    private List<WorkloadRegistration> Parse(string text)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            _mistakes.Add($"{_name}:{e.Start.Line}: {e.Message}");
            return [];
        }

        if (yaml.Documents is not [{ RootNode: YamlMappingNode root }])
        {
            _mistakes.Add($"{_name}:1: one document with the field 'workloads' is wanted.");
            return [];
        }

        YamlNode? list = null;
        foreach (var (key, value) in root.Children)
        {
            if (Text(key) == "workloads")
            {
                list = value;
            }
            else
            {
                Wrong(key, Text(key) ?? "?", "there is no such field here; the one that there is: workloads.");
            }
        }

        if (list is not YamlSequenceNode { Children.Count: > 0 } entries)
        {
            Wrong(list ?? root, "workloads", "a list of at least one workload is wanted.");
            return [];
        }

        if (entries.Children.Count > MaxWorkloads)
        {
            Wrong(entries, "workloads", $"{entries.Children.Count} workloads stand here; at most {MaxWorkloads} go at once. Split the file.");
            return [];
        }

        return [.. entries.Children.Select((entry, index) => Workload(entry, string.Create(CultureInfo.InvariantCulture, $"workloads[{index}]")))];
    }

    private WorkloadRegistration Workload(YamlNode entry, string path)
    {
        var workload = new WorkloadRegistration();
        if (entry is not YamlMappingNode mapping)
        {
            Wrong(entry, path, "a workload with namespace and serviceAccount is wanted.");
            return workload;
        }

        foreach (var (key, value) in mapping.Children)
        {
            Field(workload, path, key, value);
        }

        foreach (var (field, isThere) in new[] { ("namespace", workload.Namespace.Length > 0), ("serviceAccount", workload.ServiceAccount.Length > 0) })
        {
            if (!isThere && !mapping.Children.Keys.Any(key => Text(key) == field))
            {
                Wrong(mapping, $"{path}.{field}", "is missing.");
            }
        }

        if (workload.Namespace.Length > 0 && workload.ServiceAccount.Length > 0)
        {
            var name = $"{workload.Namespace}/{workload.ServiceAccount}";
            if (!_seen.TryAdd(name, mapping.Start.Line))
            {
                Wrong(mapping, path, $"{name} stands in line {_seen[name]} already.");
            }
        }

        return workload;
    }

    private void Field(WorkloadRegistration workload, string path, YamlNode key, YamlNode value)
    {
        var field = Text(key) ?? "?";
        if (!Fields.Contains(field))
        {
            Wrong(key, $"{path}.{field}", $"there is no such field; a workload has {string.Join(", ", Fields)}.");
            return;
        }

        if (Text(value) is not { } text)
        {
            Wrong(value, $"{path}.{field}", "a text is wanted.");
            return;
        }

        switch (field)
        {
            case "namespace" when IsWorkload(text, "x"):
                workload.Namespace = text;
                break;
            case "serviceAccount" when IsWorkload("x", text):
                workload.ServiceAccount = text;
                break;
            case "defaultPolicy" when Policies.Contains(text):
                workload.DefaultPolicy = text;
                break;
            case "description" when text.Length <= MaxDescriptionChars && !text.Any(char.IsControl):
                workload.Description = text;
                break;
            case "namespace" or "serviceAccount":
                Wrong(value, $"{path}.{field}", $"'{text}' is no name: letters, digits, '.', '-' and '_' are.");
                break;
            case "defaultPolicy":
                Wrong(value, $"{path}.{field}", $"'{text}' is not one of: {string.Join(", ", Policies)}.");
                break;
            default:
                Wrong(value, $"{path}.{field}", $"one line of at most {MaxDescriptionChars} characters is wanted; this has {text.Length}.");
                break;
        }
    }

    private static bool IsWorkload(string ns, string account) =>
        SpiffeId.TryParse($"{AnyTrustDomain.Id}/ns/{ns}/sa/{account}", out var id, out _) && id.Role == IdentityRole.Workload;

    private void Wrong(YamlNode at, string field, string what) =>
        _mistakes.Add(string.Create(CultureInfo.InvariantCulture, $"{_name}:{at.Start.Line}: {field}: {what}"));

    private static string? Text(YamlNode node) => (node as YamlScalarNode)?.Value;
}
