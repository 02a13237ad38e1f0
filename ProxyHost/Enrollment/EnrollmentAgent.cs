using Grpc.Core;
using Mesh.Control.V1;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Enrollment;

/// <summary>Enrolls before the ProxyHost serves anybody, then keeps its certificate current. It never gives up.</summary>
internal sealed partial class EnrollmentAgent(
    EnrollmentClient client, ProxyHostIdentity identity, EnrollmentFolder folder, TimeProvider clock, ILogger<EnrollmentAgent> logger)
    : BackgroundService
{
    private int _catchingUp;

    /// <summary>Tries until a silo has answered.</summary>
    public async Task<CertifyResponse> EnrollAsync(CancellationToken cancellationToken)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                var answer = await client.EnrollAsync(cancellationToken);
                Log.Enrolled(logger, identity.Credential.Svid.Id, identity.Credential.Svid.NotAfter);
                return answer;
            }
            catch (Exception e) when (IsRetriable(e) && !cancellationToken.IsCancellationRequested)
            {
                if (e is RpcException { StatusCode: StatusCode.Unauthenticated })
                {
                    // The operator's token may be newer than the one kept from last time.
                    folder.ForgetToken();
                }

                var wait = RenewalSchedule.RetryIn(null, failures, clock.GetUtcNow(), Random.Shared.NextDouble());
                Log.EnrollmentFailed(logger, Reason(e), wait);
                await Task.Delay(wait, clock, cancellationToken);
            }
        }
    }

    /// <summary>Looks for a newer bundle after a silo was refused, once at a time. Where that fails the next refusal asks again.</summary>
    public async void CatchUp()
    {
        if (Interlocked.Exchange(ref _catchingUp, 1) == 1)
        {
            return;
        }

        try
        {
            if (await client.CatchUpAsync())
            {
                Log.CaughtUp(logger, identity.Bundle.Sequence);
            }
        }
        catch (Exception e) when (IsRetriable(e))
        {
            Log.NotCaughtUp(logger, Reason(e));
        }
        finally
        {
            Volatile.Write(ref _catchingUp, 0);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        // A mesh that was restored from a backup has no record of what it issued since: then the token is tried in its turn.
        var enrollsAnew = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            var svid = identity.Credential.Svid;
            var wait = failures == 0
                ? RenewalSchedule.RenewIn(svid, clock.GetUtcNow(), Random.Shared.NextDouble())
                : RenewalSchedule.RetryIn(svid, failures, clock.GetUtcNow(), Random.Shared.NextDouble());
            try
            {
                await WaitAsync(wait, wakes: failures == 0, stoppingToken);
                await (enrollsAnew ? client.EnrollAsync(stoppingToken) : client.RenewAsync(stoppingToken));
                (failures, enrollsAnew) = (0, false);
                Log.Renewed(logger, identity.Credential.Svid.NotAfter);
            }
            catch (Exception e) when (IsRetriable(e) && !stoppingToken.IsCancellationRequested)
            {
                failures++;
                enrollsAnew = !enrollsAnew && e is RpcException { StatusCode: StatusCode.PermissionDenied or StatusCode.FailedPrecondition };
                Log.RenewalFailed(logger, svid.NotAfter, Reason(e));
            }
            catch (Exception e) when (stoppingToken.IsCancellationRequested && e is (OperationCanceledException or RpcException))
            {
                return;
            }
        }
    }

    // Until renewal is due, or a bundle comes that voids the certificate in use.
    private async Task WaitAsync(TimeSpan wait, bool wakes, CancellationToken stopping)
    {
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look()
        {
            if (wakes && !identity.Verifier.Verify(identity.Credential.Svid.Chain, identity.Bundle).IsValid)
            {
                woken.TrySetResult();
            }
        }

        identity.Bundles.Changed += Look;
        using var due = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            Look();
            await await Task.WhenAny(Task.Delay(wait, clock, due.Token), woken.Task);
        }
        finally
        {
            identity.Bundles.Changed -= Look;
            await due.CancelAsync();
        }
    }

    // What a silo that is down, wrong or changing can cause; anything else is a mistake of this program.
    private static bool IsRetriable(Exception e) => e is RpcException or IOException or UnauthorizedAccessException or HttpRequestException or FormatException
        or JoinTokenException or BundleRejectedException or ServerRefusedException or ArgumentException;

    private static string Reason(Exception e) => e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message;

    private static partial class Log
    {
        [LoggerMessage(EventId = 3001, Level = LogLevel.Information, Message = "Enrolled as {SpiffeId} until {NotAfter}")]
        public static partial void Enrolled(ILogger logger, SpiffeId spiffeId, DateTimeOffset notAfter);

        [LoggerMessage(EventId = 3002, Level = LogLevel.Warning, Message = "Enrollment failed: {Reason}. Next try in {Wait}")]
        public static partial void EnrollmentFailed(ILogger logger, string reason, TimeSpan wait);

        [LoggerMessage(EventId = 3003, Level = LogLevel.Information, Message = "Certificate renewed, good until {NotAfter}")]
        public static partial void Renewed(ILogger logger, DateTimeOffset notAfter);

        [LoggerMessage(EventId = 3004, Level = LogLevel.Warning, Message = "Renewal failed; the certificate is good until {NotAfter}: {Reason}")]
        public static partial void RenewalFailed(ILogger logger, DateTimeOffset notAfter, string reason);

        [LoggerMessage(EventId = 3005, Level = LogLevel.Information, Message = "A silo was under an issuer that was not known here; trust bundle {Sequence} names it")]
        public static partial void CaughtUp(ILogger logger, long sequence);

        [LoggerMessage(EventId = 3006, Level = LogLevel.Warning, Message = "A silo was refused, and none has a bundle that vouches for it: {Reason}")]
        public static partial void NotCaughtUp(ILogger logger, string reason);
    }
}
