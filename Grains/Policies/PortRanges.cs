using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;

namespace Mesh.Grains.Policies;

/// <summary>Ranges of ports as they are kept: sorted, without overlaps. Pure.</summary>
internal static class PortRanges
{
    public const int MaxRanges = 64;

    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: a range, or too many.</exception>
    public static ImmutableArray<PortRange> Checked(ImmutableArray<PortRange> ranges)
    {
        if (ranges.Length > MaxRanges)
        {
            throw new MeshException(MeshError.InvalidRequest, $"{ranges.Length} ranges of ports; at most {MaxRanges} are kept.");
        }

        var merged = new List<PortRange>();
        foreach (var range in ranges.OrderBy(range => range.First))
        {
            if (range.First < 1 || range.Last > 65535 || range.First > range.Last)
            {
                throw new MeshException(MeshError.InvalidRequest, $"{range.First}-{range.Last} is not a range of ports from 1 to 65535.");
            }

            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
            {
                merged[^1] = merged[^1] with { Last = Math.Max(merged[^1].Last, range.Last) };
            }
            else
            {
                merged.Add(range);
            }
        }

        return [.. merged];
    }
}
