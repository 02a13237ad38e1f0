using System.Globalization;

namespace Mesh.Bench.Support;

/// <summary>What one process holds in memory, as the kernel counts it.</summary>
/// <param name="Program">Its assembly, or its binary.</param>
/// <param name="RssMb">Resident, mapped files included, MiB.</param>
/// <param name="AnonMb">Resident and its own alone, MiB.</param>
internal sealed record ProcessWeight(string Program, double RssMb, double AnonMb)
{
    /// <summary>Every .NET process whose command line names the folder.</summary>
    public static IReadOnlyList<ProcessWeight> Under(string folder) =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Where(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out _))
            .Select(path => Read(path, words => words is ["dotnet", ..] && words.Any(word => word.Contains(folder, StringComparison.Ordinal))))
            .OfType<ProcessWeight>(),
    ];

    /// <summary>One process that runs.</summary>
    public static ProcessWeight Of(int processId) =>
        Read($"/proc/{processId}", _ => true) ?? throw new InvalidOperationException($"There is no process {processId}.");

    private static ProcessWeight? Read(string path, Func<string[], bool> isWanted)
    {
        try
        {
            var words = File.ReadAllText($"{path}/cmdline").Split('\0');
            return isWanted(words)
                ? new ProcessWeight(Path.GetFileName(words is ["dotnet", var assembly, ..] ? assembly : words[0]), Megabytes(path, "VmRSS:"), Megabytes(path, "RssAnon:"))
                : null;
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }

    private static double Megabytes(string path, string field) => double.Parse(
        File.ReadLines($"{path}/status").First(line => line.StartsWith(field, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^2].Trim(),
        CultureInfo.InvariantCulture) / 1024;
}
