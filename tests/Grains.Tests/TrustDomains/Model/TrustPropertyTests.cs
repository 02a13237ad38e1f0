using CsCheck;

namespace Mesh.Grains.Tests.TrustDomains.Model;

/// <summary>
/// In whatever order ticks, commands, repeats, deaths of the process and leaves come, what <see cref="TrustModel"/> says holds. A failure
/// prints the shortest run that was found, and the seed that leads to it.
/// </summary>
public class TrustPropertyTests
{
    private static readonly Gen<TrustEvent> Events = Gen.Frequency(
        (5, Gen.Const(TrustEvent.Wait)), (5, Gen.Const(TrustEvent.Tick)), (5, Gen.Const(TrustEvent.Issue)), (2, Gen.Const(TrustEvent.IssueByStaleSigner)),
        (2, Gen.Const(TrustEvent.RotateIssuer)), (2, Gen.Const(TrustEvent.RevokeIssuer)), (2, Gen.Const(TrustEvent.StartAnchor)),
        (3, Gen.Const(TrustEvent.ActivateAnchor)), (3, Gen.Const(TrustEvent.RetireAnchor)), (1, Gen.Const(TrustEvent.AbortAnchor)),
        (1, Gen.Const(TrustEvent.RevokeAnchor)), (1, Gen.Const(TrustEvent.Ban)), (1, Gen.Const(TrustEvent.Unban)));

    private static readonly Gen<int> Deaths = Gen.Frequency((6, Gen.Const(0)), (1, Gen.Int[1, 5]));

    private static readonly Gen<bool> Repeats = Gen.Frequency((6, Gen.Const(false)), (1, Gen.Const(true)));

    private static readonly Gen<TrustStep[]> Runs = Gen.Select(
        Events, Gen.Int[0, 11], Deaths, Gen.Bool, Repeats, (what, which, death, after, twice) => new TrustStep(what, which, death, after, twice)).Array[1, 60];

    /// <summary>The same runs each time.</summary>
    [Fact]
    public void Whatever_happens_in_whatever_order_the_rules_hold() => Parallel.For(0, 200, seed =>
    {
        var run = Runs.Generate(new PCG(1, (ulong)seed), null, out _);
        try
        {
            Live(run);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Run {seed}: {e.Message}\n{Print(run)}", e);
        }
    });

    /// <summary>Other runs each time.</summary>
    [Fact(Explicit = true)]
    public void Whatever_else_happens_the_rules_hold() => Runs.Sample(Live, iter: 2_000, threads: Environment.ProcessorCount, print: Print);

    private static void Live(TrustStep[] run)
    {
        var machine = new TrustMachine();
        foreach (var step in run)
        {
            machine.Run(step);
        }

        machine.Settle();
    }

    private static string Print(TrustStep[] run) => string.Join(", ", run);
}
