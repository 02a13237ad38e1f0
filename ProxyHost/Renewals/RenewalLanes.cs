using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;

namespace Mesh.ProxyHost.Renewals;

/// <summary>Renews for all of them in one call to a silo.</summary>
/// <param name="lane">Each has a grain of its own.</param>
/// <returns>What became of each, in their order.</returns>
internal delegate Task<ImmutableArray<RenewalOutcome>> RenewTogether(int lane, ImmutableArray<SignRequest> requests);

/// <summary>
/// Takes renewals to the silos, together where many come at once: what comes while nothing is under way goes at once; what comes meanwhile
/// gathers until it is enough for a call of its own, the one under way is back, or it has waited for <see cref="Patience"/>.
/// </summary>
/// <remarks>After a revocation every proxy renews in the same seconds, and the way to the signer costs more than the signature.</remarks>
internal sealed class RenewalLanes(RenewTogether renew, TimeSpan callTimeout, TimeProvider clock)
{
    /// <summary>Calls under way at the most. Each has a grain of its own, so that a silo that hangs does not hold up what goes to another.</summary>
    public const int Lanes = 4;

    /// <summary>So many are worth a call beside those that are under way.</summary>
    public const int Enough = 24;

    /// <summary>So long nobody waits for others to go with, or for a call that does not come back.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = new();
    private readonly Stack<int> _free = new(Enumerable.Range(0, Lanes));
    private bool _isPatient;

    /// <summary>Lanes to the silos of a cluster.</summary>
    public static RenewalLanes To(IGrainFactory grains, string trustDomain, TimeSpan callTimeout, TimeProvider clock) => new(
        (lane, requests) => grains.GetGrain<IRenewalGrain>(IRenewalGrain.KeyOf(trustDomain, lane)).RenewAsync(requests), callTimeout, clock);

    /// <summary>The certificate, or the refusal as an exception.</summary>
    /// <exception cref="TimeoutException">No silo has answered.</exception>
    public Task<IssuedSvid> RenewAsync(SignRequest request, CancellationToken cancellationToken)
    {
        var waiting = new Waiting(request, cancellationToken);
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
        }

        _ = RunAsync(Take());
        return waiting.Outcome.Task.WaitAsync(callTimeout, clock, cancellationToken);
    }

    // Until nothing is left that should go now.
    private async Task RunAsync(Batch? batch)
    {
        for (; batch is not null; batch = Take())
        {
            try
            {
                var outcomes = await renew(batch.Lane, [.. batch.Waiting.Select(waiting => waiting.Request)]).WaitAsync(callTimeout, clock);
                foreach (var (waiting, outcome) in batch.Waiting.Zip(outcomes))
                {
                    waiting.End(outcome);
                }
            }
            catch (Exception e)
            {
                // Whatever it is, those who wait hear of it, and their calls say what it means.
                batch.Waiting.ForEach(waiting => waiting.Outcome.TrySetException(e));
            }

            lock (_gate)
            {
                _free.Push(batch.Lane);
            }
        }
    }

    /// <summary>Takes what should go now, and the lane by which it goes; null: nothing should.</summary>
    /// <param name="isPatienceOver">Few are worth a call too.</param>
    private Batch? Take(bool isPatienceOver = false)
    {
        lock (_gate)
        {
            _isPatient &= !isPatienceOver;
            if (_free.Count == 0 || _waiting.Count == 0)
            {
                return null;
            }

            if (_waiting.Count < Enough && _free.Count < Lanes && !isPatienceOver)
            {
                BePatient();
                return null;
            }

            var batch = new Batch(_free.Peek(), []);
            while (batch.Waiting.Count < IRenewalGrain.MostAtOnce && _waiting.TryDequeue(out var next))
            {
                if (!next.HasGone)
                {
                    batch.Waiting.Add(next);
                }
            }

            return batch.Waiting.Count > 0 && _free.TryPop(out _) ? batch : null;
        }
    }

    // Whoever waits now is thought of after a while, whatever comes back or does not.
    private void BePatient()
    {
        if (!_isPatient)
        {
            _isPatient = true;
            _ = Task.Run(async () =>
            {
                await Task.Delay(Patience, clock);
                await RunAsync(Take(isPatienceOver: true));
            });
        }
    }

    private sealed record Batch(int Lane, List<Waiting> Waiting);

    private sealed class Waiting(SignRequest request, CancellationToken cancellationToken)
    {
        public SignRequest Request => request;

        public TaskCompletionSource<IssuedSvid> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Whoever asked does not wait any more.</summary>
        public bool HasGone => cancellationToken.IsCancellationRequested;

        public void End(RenewalOutcome outcome)
        {
            try
            {
                Outcome.TrySetResult(outcome.OrThrow());
            }
            catch (MeshException refusal)
            {
                Outcome.TrySetException(refusal);
            }
        }
    }
}
