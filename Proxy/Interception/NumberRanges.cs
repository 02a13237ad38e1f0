using System.Globalization;

namespace Mesh.Proxy.Interception;

/// <summary>Ports or uids, written as <c>22,8000-8999</c>; kept in order, with what touches made one.</summary>
internal sealed class NumberRanges : IEquatable<NumberRanges>
{
    public static readonly NumberRanges None = new([]);

    private NumberRanges(IReadOnlyList<(uint First, uint Last)> ranges) => Ranges = ranges;

    /// <summary>In ascending order, none touching the next.</summary>
    public IReadOnlyList<(uint First, uint Last)> Ranges { get; }

    /// <summary>Any ranges, in any order.</summary>
    public static NumberRanges Of(IEnumerable<(uint First, uint Last)> ranges)
    {
        List<(uint First, uint Last)> merged = [];
        foreach (var range in ranges.Order())
        {
            if (merged.Count > 0 && range.First <= (ulong)merged[^1].Last + 1)
            {
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            }
            else
            {
                merged.Add(range);
            }
        }

        return new NumberRanges(merged);
    }

    public static NumberRanges Of(params IEnumerable<uint> numbers) => Of(numbers.Select(number => (number, number)));

    /// <summary>One number, or two with a hyphen between them.</summary>
    public static bool TryParseRange(ReadOnlySpan<char> text, uint least, uint most, out (uint First, uint Last) range)
    {
        var hyphen = text.IndexOf('-');
        var isRead = uint.TryParse(hyphen < 0 ? text : text[..hyphen], NumberStyles.None, CultureInfo.InvariantCulture, out range.First)
            & uint.TryParse(hyphen < 0 ? text : text[(hyphen + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out range.Last);
        return isRead && range.First >= least && range.Last <= most && range.First <= range.Last;
    }

    public bool Contains(uint number)
    {
        foreach (var (first, last) in Ranges)
        {
            if (number <= last)
            {
                return number >= first;
            }
        }

        return false;
    }

    public override string ToString() => string.Join(
        ", ", Ranges.Select(range => range.First == range.Last
            ? range.First.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{range.First}-{range.Last}")));

    public bool Equals(NumberRanges? other) => other is not null && Ranges.SequenceEqual(other.Ranges);

    public override bool Equals(object? obj) => Equals(obj as NumberRanges);

    public override int GetHashCode() => Ranges.Aggregate(0, HashCode.Combine);
}
