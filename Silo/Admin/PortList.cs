using System.Collections.Immutable;
using System.Globalization;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;

namespace Mesh.Silo.Admin;

/// <summary>Ports as Linkerd writes them: <c>25,587,9000-9100</c>.</summary>
internal static class PortList
{
    private const int MaxChars = 1_024;

    /// <summary>Reads a list; empty: no ports. Whether they are ports, the grain says.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, naming the part that is wrong.</exception>
    public static ImmutableArray<PortRange> Parse(string text)
    {
        if (text.Length > MaxChars)
        {
            throw new MeshException(MeshError.InvalidRequest, $"A list of ports has at most {MaxChars} characters; this one has {text.Length}.");
        }

        return text.Length == 0 ? [] : [.. text.Split(',').Select(Range)];
    }

    public static string Format(ImmutableArray<PortRange> ports) => string.Join(
        ',', ports.Select(range => range.First == range.Last ? $"{range.First}" : $"{range.First}-{range.Last}"));

    private static PortRange Range(string part)
    {
        var ends = part.Split('-', 2, StringSplitOptions.TrimEntries);
        return Port(ends[0]) is { } first && Port(ends[^1]) is { } last
            ? new PortRange(first, last)
            : throw new MeshException(MeshError.InvalidRequest, $"'{part}' is not a port or a range of ports. Write PORT or FIRST-LAST with commas, e.g. 25,587,9000-9100.");
    }

    private static int? Port(string text) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;
}
