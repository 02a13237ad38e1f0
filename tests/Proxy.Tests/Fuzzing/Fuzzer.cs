namespace Mesh.Proxy.Tests.Fuzzing;

/// <summary>Tries one seed after the other for half a minute; the one that fails is named.</summary>
internal static class Fuzzer
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(30);

    /// <param name="attempt">Deterministic, given its random numbers.</param>
    /// <param name="seed">Only this one, to see again what failed; null: as many as the time allows, from one that differs each time.</param>
    public static void Run(Action<Random> attempt, int? seed = null)
    {
        var first = seed ?? Random.Shared.Next(int.MaxValue / 2);
        var began = TimeProvider.System.GetTimestamp();
        var count = 0;
        do
        {
            try
            {
                attempt(new Random(first + count));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {first + count}: {e.Message}", e);
            }

            count++;
        }
        while (seed is null && TimeProvider.System.GetElapsedTime(began) < Budget && !TestContext.Current.CancellationToken.IsCancellationRequested);

        TestContext.Current.TestOutputHelper?.WriteLine($"{count} attempts from seed {first}");
    }

    /// <summary>A few things go wrong: bits flip, pieces go missing, come twice, or come from elsewhere.</summary>
    public static byte[] Mutate(Random random, byte[] bytes)
    {
        List<byte> mutated = [.. bytes];
        for (var changes = random.Next(6); changes > 0 && mutated.Count > 0; changes--)
        {
            var at = random.Next(mutated.Count);
            var count = Math.Min(mutated.Count - at, 1 << random.Next(8));
            switch (random.Next(6))
            {
                case 0:
                    mutated[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    // Lengths are what parsers trip over.
                    mutated[at] = random.Next(4) switch { 0 => 0, 1 => 1, 2 => 0x7f, _ => 0xff };
                    break;
                case 2:
                    mutated.RemoveRange(at, count);
                    break;
                case 3:
                    mutated.InsertRange(random.Next(mutated.Count), mutated.GetRange(at, count));
                    break;
                case 4:
                    mutated.RemoveRange(at, mutated.Count - at);
                    break;
                default:
                    var noise = new byte[count];
                    random.NextBytes(noise);
                    mutated.InsertRange(at, noise);
                    break;
            }
        }

        return [.. mutated];
    }
}
