namespace Mesh.Bench.Results;

/// <summary>The middle of several runs, and how far they lie apart.</summary>
/// <param name="Width">Largest less smallest.</param>
internal sealed record Spread(double Median, double Width)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return new Spread((sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2, sorted[^1] - sorted[0]);
    }
}
