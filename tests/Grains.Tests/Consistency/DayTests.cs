using System.Diagnostics;
using System.Globalization;

namespace Mesh.Grains.Tests.Consistency;

/// <summary>Certificates through a day of rotations and of silos that die at random steps.</summary>
public class DayTests
{
    [Fact]
    public Task Through_a_day_of_rotations_and_dying_silos_nobody_is_ever_without_a_good_certificate() => LiveThroughAsync(seed: 20260101, kills: 24);

    /// <summary>Another day each time; <c>MESH_SEED</c> asks for a certain one.</summary>
    [Fact(Explicit = true)]
    public Task Through_any_other_day_nobody_is_ever_without_a_good_certificate() => LiveThroughAsync(
        Environment.GetEnvironmentVariable("MESH_SEED") is { Length: > 0 } wanted ? int.Parse(wanted, CultureInfo.InvariantCulture) : Random.Shared.Next(), kills: 100);

    private static async Task LiveThroughAsync(int seed, int kills)
    {
        await using var day = new MeshDay(seed, kills);
        var watch = Stopwatch.StartNew();
        try
        {
            await day.RunAsync();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed}, {day.Elapsed:hh\\:mm\\:ss\\.fff} into the day, after {day.Kills} kills: {e.Message}", e);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"Seed {seed}: {day.Summary}, in {watch.Elapsed.TotalSeconds:0} s.");
    }
}
