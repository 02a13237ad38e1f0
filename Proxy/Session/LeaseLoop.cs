using Grpc.Core;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Session;

/// <summary>Keeps the trust lease: asks for the control plane's word in good time, and ends what is open when it stays away.</summary>
internal sealed partial class LeaseLoop(
    WorkloadIdentity identity, ProxyHostClient proxyHosts, LiveConnections connections, TimeProvider clock, ILogger<LeaseLoop> logger)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly TrustLease _lease = identity.Lease;

    public Task RunAsync(CancellationToken stopping) => Task.WhenAll(KeepAsync(stopping), EndAsync(stopping));

    // Four times in a lease's length, so that a ProxyHost may fail, and the next, before it ends.
    private TimeSpan Every => TimeSpan.FromTicks(Math.Clamp((_lease.Length!.Value / 4).Ticks, Shortest.Ticks, Longest.Ticks));

    private async Task KeepAsync(CancellationToken stopping)
    {
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            if (!await identity.EnrolledAsync(stopping))
            {
                return;
            }

            var turn = proxyHosts.Turn;
            var wait = Every;
            try
            {
                var answer = await proxyHosts.Session().Client.ConfirmBundleAsync(
                    new ConfirmBundleRequest(), deadline: proxyHosts.Deadline(), cancellationToken: stopping);
                _lease.Extend(answer.Confirmation);
                failures = 0;
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is RpcException or IOException or HttpRequestException or FormatException)
            {
                if (failures == 0)
                {
                    Log.NotConfirmed(logger, e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message, _lease.Left);
                }

                var retry = RenewalSchedule.RetryIn(null, failures++, clock.GetUtcNow(), Random.Shared.NextDouble());
                wait = retry < Every ? retry : Every;
                // A confirmation of another bundle means that one of the two is on its way, and a ProxyHost that says that no silo answers has
                // itself answered: nothing is wrong with it.
                if (e is not (FormatException or RpcException { StatusCode: StatusCode.Unavailable, Status.DebugException: null }))
                {
                    await proxyHosts.MoveOnAsync(turn, stopping);
                }
            }

            await Task.Delay(wait, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task EndAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            var extended = _lease.NextExtension;
            if (_lease.Left is { } left && left > TimeSpan.Zero)
            {
                await Task.Delay(left, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            if (_lease.ConfirmedAt is { } confirmed && !stopping.IsCancellationRequested)
            {
                Log.Ended(logger, _lease.Length, confirmed);
                connections.EndAll("lease", "the trust lease has ended");
            }

            await extended.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stopping.IsCancellationRequested)
            {
                Log.Holds(logger, _lease.Left);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5901, Level = LogLevel.Warning, Message = "The trust bundle was not confirmed: {Reason}; of the trust lease {Left} is left")]
        public static partial void NotConfirmed(ILogger logger, string reason, TimeSpan? left);

        [LoggerMessage(EventId = 5902, Level = LogLevel.Error, Message = "The trust lease of {Length} has ended: the bundle was last confirmed at {ConfirmedAt:O}. Nothing passes until it is confirmed again")]
        public static partial void Ended(ILogger logger, TimeSpan? length, DateTimeOffset confirmedAt);

        [LoggerMessage(EventId = 5903, Level = LogLevel.Information, Message = "The trust lease holds, for {Left} from now on")]
        public static partial void Holds(ILogger logger, TimeSpan? left);
    }
}
