using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Bench.Results;
using Mesh.Bench.Support;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Lifecycle;

/// <summary>A workload issuer's key is stolen and used, the issuer is revoked: how soon the thief is out, and how applications fare.</summary>
internal sealed class StolenKey(BenchMesh mesh, BenchPair pair, RequestLoad load)
{
    private const int AcceptedBefore = 20;
    private static readonly TimeSpan LedgerLimit = TimeSpan.FromSeconds(15);

    // The thief keeps trying for so long after all has been said to be done.
    private static readonly TimeSpan After = TimeSpan.FromSeconds(4);

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellationToken)
    {
        var issuer = (await mesh.Admin.GetTrustDomainAsync(new GetTrustDomainRequest(), cancellationToken: cancellationToken))
            .Issuers.Single(authority => authority is { Purpose: "workload", Stage: "active" });
        await File.WriteAllTextAsync(mesh.File("stolen.pem"), issuer.Certificate, cancellationToken);
        await using var attacker = TestProcess.StartDotnet(
            "attacker", Programs.Assembly("Bench"), ["attacker", mesh.Data, mesh.File("stolen.pem"), pair.Back.ToString(), pair.Inbound]);
        await UntilInsideAsync(attacker);

        var failedBefore = load.Failed.Count;
        var started = TimeProvider.System.GetTimestamp();
        await mesh.Admin.RevokeIssuerAsync(new RevokeIssuerRequest { KeyHash = issuer.KeyHash, Reason = "stolen" }, cancellationToken: cancellationToken);
        var answered = TimeProvider.System.GetElapsedTime(started);
        var (ledger, complete) = await CompleteAsync(started);
        await Task.Delay(After, TimeProvider.System, cancellationToken);
        // On a busy machine it takes the thief longer to try so often.
        await Eventually.TrueAsync(
            () => Said(attacker).Count(line => line.Word == Attacker.Refused && line.At > started) >= AcceptedBefore, "the attacker has been refused");

        var said = Said(attacker);
        double Ms(long at) => TimeProvider.System.GetElapsedTime(started, at).TotalMilliseconds;
        var accepted = said.Where(line => line.Word == Attacker.Accepted).ToList();
        var cut = said.Where(line => line.Word == Attacker.Cut).ToList();
        var lastAccepted = accepted.Max(line => Ms(line.At));
        var failed = load.Failed.Skip(failedBefore).ToList();
        var gaps = Gaps(started).Order().ToList();
        foreach (var failure in failed.Where(failure => failure.OpenedAt >= started).Take(5))
        {
            Console.WriteLine($"failed {Ms(failure.At):0} ms after the revocation, opened at {Ms(failure.OpenedAt):0} ms: {failure.Why}");
        }

        return
        [
            new Figure("attacker_accepted_before", accepted.Count(line => line.At < started), AtLeast: AcceptedBefore),
            new Figure("attacker_kept_before", said.Count(line => line.Word == Attacker.Kept && line.At < started), AtLeast: Attacker.Connections),
            new Figure("attacker_cut_before", cut.Count(line => line.At < started), AtMost: 0),
            new Figure("attacker_kept_after", Attacker.Connections - cut.Count, AtMost: 0),
            new Figure("attacker_refused_after", said.Count(line => line.Word == Attacker.Refused && line.At > started), AtLeast: AcceptedBefore),
            new Figure("revocation_answered_ms", answered.TotalMilliseconds),
            new Figure("last_accepted_ms", lastAccepted),
            new Figure("last_cut_ms", cut.Select(line => Ms(line.At)).DefaultIfEmpty(double.NaN).Max()),
            new Figure("revocation_enforced_ms", cut.Select(line => Ms(line.At)).Append(lastAccepted).Max(), AtMost: 2000),
            new Figure("ledger_complete", complete ? 1 : 0, AtLeast: 1),
            new Figure("ledger_complete_ms", ledger.TotalMilliseconds, AtMost: 5000),
            new Figure("revocation_gap_p99_ms", gaps[(int)(gaps.Count * 0.99)]),
            new Figure("revocation_gap_max_ms", gaps[^1], AtMost: 5000),
            new Figure("connections_cut", failed.Count(failure => failure.OpenedAt < started)),
            new Figure("revocation_failed_requests", failed.Count(failure => failure.OpenedAt >= started)),
        ];
    }

    private async Task UntilInsideAsync(TestProcess attacker)
    {
        try
        {
            await Eventually.TrueAsync(
                () => !attacker.HasExited && Said(attacker) is var said && said.Count(line => line.Word == Attacker.Kept) == Attacker.Connections
                    && said.Count(line => line.Word == Attacker.Accepted) >= AcceptedBefore,
                "the attacker is let in");
        }
        catch (TimeoutException e)
        {
            throw new InvalidOperationException($"{e.Message} The attacker said: {string.Join(Environment.NewLine, attacker.Output.Split('\n').Where(line => !line.StartsWith(Attacker.Refused, StringComparison.Ordinal)).Take(5))} The proxy said: {string.Join(Environment.NewLine, pair.BackProxy.Output.Split('\n').TakeLast(5))}");
        }
    }

    // Both workloads are live, so an empty ledger is none.
    private async Task<(TimeSpan Took, bool IsComplete)> CompleteAsync(long started)
    {
        while (TimeProvider.System.GetElapsedTime(started) is var took && took < LedgerLimit)
        {
            var ledger = await mesh.Admin.GetLedgerAsync(new GetLedgerRequest());
            if (ledger.Entries.Count >= 2 && ledger.Entries.All(entry => entry.IsConverged))
            {
                return (TimeProvider.System.GetElapsedTime(started), true);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }

        return (LedgerLimit, false);
    }

    // How long each client waited between two answers, from the one before the revocation on.
    private IEnumerable<double> Gaps(long started) => load.Answered.GroupBy(answer => answer.Client).SelectMany(client =>
    {
        var answers = client.Select(answer => answer.At).Order().ToList();
        return answers.Zip(answers.Skip(1)).Where(pair => pair.Second > started).Select(pair => TimeProvider.System.GetElapsedTime(pair.First, pair.Second).TotalMilliseconds);
    });

    // The last line may not be whole yet.
    private static List<(string Word, long At)> Said(TestProcess attacker) =>
    [
        .. attacker.StandardOutput.Split('\n').SkipLast(1).Select(line => line.Trim().Split(' ')).Where(words => words.Length == 2)
            .Select(words => (words[0], long.Parse(words[1], CultureInfo.InvariantCulture))),
    ];
}
