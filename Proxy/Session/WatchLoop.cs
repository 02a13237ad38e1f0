using Grpc.Core;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Identity;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Session;

/// <summary>Holds the watch stream: bundle, policy and endpoints as they change. A stream that breaks resumes with the versions held.</summary>
internal sealed partial class WatchLoop(
    WorkloadIdentity identity, ProxyHostClient proxyHosts, ServiceDirectory services, TimeProvider clock, ILogger<WatchLoop> logger)
{
    // Services are asked for in bursts, and one new stream is enough for all of a burst.
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);

    public async Task RunAsync(CancellationToken stopping)
    {
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            if (!await identity.EnrolledAsync(stopping))
            {
                return;
            }

            var turn = proxyHosts.Turn;
            var session = proxyHosts.Session();
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            var replaced = EndWhenReplacedAsync(session, ended);
            try
            {
                await ReadAsync(session, () => failures = 0, ended.Token);
            }
            catch (Exception) when (ended.IsCancellationRequested)
            {
                // A newer session has taken over, another service is to be watched, or the proxy stops.
            }
            catch (Exception e) when (e is RpcException or IOException or UnauthorizedAccessException or HttpRequestException)
            {
                if (e is RpcException { StatusCode: StatusCode.ResourceExhausted } && services.ForgetHalf())
                {
                    // The stream brings bundles too, and must not fail for want of room for services that were only asked for.
                    Log.WatchesLess(logger);
                }

                Log.Broken(logger, e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message);
                await proxyHosts.MoveOnAsync(turn, stopping);
                var wait = RenewalSchedule.RetryIn(null, failures++, clock.GetUtcNow(), Random.Shared.NextDouble());
                await Task.Delay(wait, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await ended.CancelAsync();
            await replaced;
        }
    }

    // The next certificate opens the next session; the stream moves there before the old certificate ends. One more service is watched by a new
    // stream, which resumes with the versions held.
    private async Task EndWhenReplacedAsync(OpenSession session, CancellationTokenSource ended)
    {
        var (next, wanted) = (identity.NextCredential, services.WantsAnother);
        if (identity.Credential == session.Credential)
        {
            await ((Task)Task.WhenAny(next, session.Retired, wanted)).WaitAsync(ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!next.IsCompleted && !session.Retired.IsCompleted)
            {
                await Task.Delay(Gathering, clock, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await ended.CancelAsync();
    }

    private async Task ReadAsync(OpenSession session, Action succeeded, CancellationToken cancellationToken)
    {
        var request = new WatchRequest
        {
            BundleSequence = identity.Bundles.Bundle.Sequence,
            PolicyVersion = identity.Policy?.Version ?? 0,
            Services = { services.Versions() },
        };
        using var call = session.Client.Watch(request, cancellationToken: cancellationToken);
        await foreach (var message in call.ResponseStream.ReadAllAsync(cancellationToken))
        {
            succeeded();
            await ApplyAsync(message, cancellationToken);
        }

        throw new IOException("The ProxyHost ended the watch.");
    }

    private async Task ApplyAsync(WatchResponse message, CancellationToken cancellationToken)
    {
        if (message.SignedBundle.Length > 0)
        {
            try
            {
                identity.Accept(await proxyHosts.RememberedAsync(message.SignedBundle, cancellationToken));
                Log.BundleInForce(logger, identity.Bundles.Bundle.Sequence, identity.Bundles.Bundle.Epoch);
            }
            catch (Exception e) when (e is BundleRejectedException or FormatException)
            {
                // The one that is held stays in force.
                Log.BundleRejected(logger, e.Message);
            }
        }

        if (message.Policy is { } policy)
        {
            identity.Use(policy);
            Log.PolicyInForce(logger, policy.DefaultPolicy, policy.Version);
        }

        foreach (var service in message.Services)
        {
            services.Update(service);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5301, Level = LogLevel.Information, Message = "Trust bundle {Sequence}, epoch {Epoch}, is in force")]
        public static partial void BundleInForce(ILogger logger, long sequence, long epoch);

        [LoggerMessage(EventId = 5302, Level = LogLevel.Error, Message = "Refused a trust bundle; the one that is held stays in force: {Reason}")]
        public static partial void BundleRejected(ILogger logger, string reason);

        [LoggerMessage(EventId = 5303, Level = LogLevel.Information, Message = "Policy {Policy}, version {Version}, is in force")]
        public static partial void PolicyInForce(ILogger logger, DefaultPolicy policy, long version);

        [LoggerMessage(EventId = 5304, Level = LogLevel.Warning, Message = "The watch has broken: {Reason}")]
        public static partial void Broken(ILogger logger, string reason);

        [LoggerMessage(EventId = 5305, Level = LogLevel.Warning, Message = "The mesh does not follow as many services for this workload; those least recently used are watched no more")]
        public static partial void WatchesLess(ILogger logger);
    }
}
