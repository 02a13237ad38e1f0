using Mesh.Bench.Load;
using Mesh.Bench.Results;

namespace Mesh.Bench.DataPlane;

/// <summary>What one run has shown.</summary>
/// <param name="Rate">Of the workload's unit, a second.</param>
/// <param name="Cpu">CPU time of both proxies for one, in the workload's unit of it.</param>
internal sealed record Run(string Peer, string Workload, int Round, double Rate, double Cpu, LoadResult Load);

/// <summary>Runs every workload through every peer, in turn, round after round: what disturbs the machine disturbs all of them.</summary>
internal sealed class Rounds
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(300);

    // So that the last connections are closed before anything is read or begins.
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(100);

    private readonly List<(Workload Workload, IPeer Peer)> _pairings;
    private readonly List<Run> _runs = [];

    /// <param name="pairings">What is measured, in this order.</param>
    public Rounds(IEnumerable<(Workload Workload, IPeer Peer)> pairings) => _pairings = [.. pairings];

    /// <exception cref="LoadException">Bytes or connections were lost.</exception>
    public async Task RunAsync(int rounds, TimeSpan duration, CancellationToken cancellationToken)
    {
        foreach (var (workload, peer) in _pairings)
        {
            await RunAsync(workload, peer, 0, WarmUp, cancellationToken);
        }

        for (var round = 1; round <= rounds; round++)
        {
            foreach (var workload in _pairings.GroupBy(pairing => pairing.Workload, pairing => pairing.Peer))
            {
                // Another one comes first each time.
                var peers = workload.ToList();
                var first = round % peers.Count;
                foreach (var peer in peers.Skip(first).Concat(peers.Take(first)))
                {
                    _runs.Add(await RunAsync(workload.Key, peer, round, duration, cancellationToken));
                }
            }
        }
    }

    public bool Has(string workload, string peer) => _runs.Exists(run => run.Workload == workload && run.Peer == peer);

    public Spread Of(string workload, string peer, Func<Run, double> figure) =>
        Spread.Of(_runs.Where(run => run.Workload == workload && run.Peer == peer).Select(figure));

    /// <summary>How a figure of one peer stands to that of another: the middle of the rounds' ratios.</summary>
    public Spread Ratio((string Workload, string Peer) of, (string Workload, string Peer) to, Func<Run, double> figure) => Spread.Of(
        from one in _runs
        where (one.Workload, one.Peer) == of
        join other in _runs.Where(run => (run.Workload, run.Peer) == to) on one.Round equals other.Round
        select figure(one) / figure(other));

    private static async Task<Run> RunAsync(Workload workload, IPeer peer, int round, TimeSpan duration, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            using var load = workload.Open(peer.Entrance);
            var before = peer.CpuTime();
            var result = load.Run(duration);
            await Task.Delay(Settling, TimeProvider.System, cancellationToken);
            // Where there is no proxy, there is no figure of one.
            var cpu = peer.Proxies.Count == 0 ? double.NaN : (peer.CpuTime() - before) / workload.CpuPart / (result.Count / workload.Counted);
            return new Run(peer.Name, workload.Name, round, result.Rate / workload.Counted, cpu, result);
        }
        catch (LoadException e)
        {
            throw new LoadException($"Nothing is reported: {workload.Name} through {peer.Name}: {e.Message}");
        }
    }
}
