using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.ProxyHost.Enrollment;
using Mesh.ProxyHost.Hosting;

namespace Mesh.ProxyHost.Renewals;

/// <summary>
/// Takes renewals to the silos, together where many come at once: as long as a lane is free a request goes at once, by itself; while all are
/// under way what comes gathers, and goes with the next that comes back.
/// </summary>
/// <remarks>After a revocation every proxy renews in the same seconds, and the way to the signer costs more than the signature.</remarks>
internal sealed class RenewalLanes(IGrainFactory grains, ProxyHostIdentity identity, ProxyHostOptions options, TimeProvider clock)
{
    /// <summary>Calls under way at the most. Each has a grain of its own, so that a silo that hangs does not hold up what goes to another.</summary>
    public const int Lanes = 4;

    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = new();
    private readonly Stack<int> _free = new(Enumerable.Range(0, Lanes));

    /// <summary>The certificate, or the refusal as an exception.</summary>
    /// <exception cref="TimeoutException">No silo has answered.</exception>
    public Task<IssuedSvid> RenewAsync(SignRequest request, CancellationToken cancellationToken)
    {
        var waiting = new Waiting(request, cancellationToken);
        var lane = -1;
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (_free.Count > 0)
            {
                lane = _free.Pop();
            }
        }

        if (lane >= 0)
        {
            _ = RunAsync(lane);
        }

        return waiting.Outcome.Task.WaitAsync(options.CallTimeout, clock, cancellationToken);
    }

    private async Task RunAsync(int lane)
    {
        while (Next(lane) is { Count: > 0 } batch)
        {
            try
            {
                var outcomes = await grains.GetGrain<IRenewalGrain>(IRenewalGrain.KeyOf(identity.Bundle.TrustDomain.Name, lane))
                    .RenewAsync([.. batch.Select(waiting => waiting.Request)])
                    .WaitAsync(options.CallTimeout, clock);
                foreach (var (waiting, outcome) in batch.Zip(outcomes))
                {
                    waiting.End(outcome);
                }
            }
            catch (Exception e)
            {
                // Whatever it is, those who wait hear of it, and their calls say what it means.
                batch.ForEach(waiting => waiting.Outcome.TrySetException(e));
            }
        }
    }

    // Nothing to do: the lane is free from now on.
    private List<Waiting> Next(int lane)
    {
        var batch = new List<Waiting>();
        lock (_gate)
        {
            while (batch.Count < IRenewalGrain.MostAtOnce && _waiting.TryDequeue(out var next))
            {
                if (!next.HasGone)
                {
                    batch.Add(next);
                }
            }

            if (batch.Count == 0)
            {
                _free.Push(lane);
            }
        }

        return batch;
    }

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
