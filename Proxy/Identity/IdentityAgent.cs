using Google.Protobuf;
using Grpc.Core;
using Mesh.Proxy.Session;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Identity;

/// <summary>Gets the workload its certificates: enrolls with its evidence, renews with a new key each time, and never gives up.</summary>
/// <remarks>A private key is made here, lives in memory and goes nowhere else.</remarks>
internal sealed partial class IdentityAgent(
    WorkloadIdentity identity, ProxyHostClient proxyHosts, EnrollmentFolder folder, IEnrollmentSource source, TimeProvider clock, ILogger<IdentityAgent> logger)
{
    // Kept from try to try while nobody knows whether the control plane has heard of it.
    private PendingRequest? _pending;

    // Whether renewal was refused for good, so that the evidence for enrollment is tried in its turn: a mesh that was restored from a
    // backup has no record of what it issued since.
    private bool _enrollsAnew;

    // Issued, and not fit for use: revoked or ended while the answer was on its way. It is what the next request is proven with.
    private SvidCredential? _refused;

    public async Task RunAsync(CancellationToken stopping)
    {
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            var isEnrolled = identity.Credential is not null;
            var turn = proxyHosts.Turn;
            try
            {
                await WaitAsync(failures, stopping);
                turn = proxyHosts.Turn;
                await ((_refused ?? identity.Credential) is { } credential && !_enrollsAnew ? RenewAsync(credential, stopping) : EnrollAsync(stopping));
                (failures, _enrollsAnew) = (0, false);
                Log.Certified(logger, identity.Credential!.Svid.Id, identity.Credential.Svid.NotAfter);
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                // A call that is cancelled fails in its own way.
                return;
            }
            catch (Exception e) when (IsRetriable(e))
            {
                failures++;
                _enrollsAnew = isEnrolled && !_enrollsAnew && e is RpcException { StatusCode: StatusCode.PermissionDenied or StatusCode.FailedPrecondition };
                if (!isEnrolled && e is RpcException { StatusCode: StatusCode.Unauthenticated or StatusCode.PermissionDenied })
                {
                    // An operator's token may be newer than the one kept from last time, and than a ban that was lifted since.
                    source.Refused();
                }

                Log.Failed(logger, isEnrolled ? "Renewal" : "Enrollment", Reason(e), failures);
                await proxyHosts.MoveOnAsync(turn, stopping);
            }
        }
    }

    private Task WaitAsync(int failures, CancellationToken stopping) => (identity.Credential?.Svid, failures) switch
    {
        (null, 0) => Task.CompletedTask,
        ({ } held, 0) => RenewalWait.UntilDueAsync(held, identity.Bundles, identity.Verifier, clock, stopping),
        var (held, _) => Task.Delay(RenewalSchedule.RetryIn(held, failures, clock.GetUtcNow(), Random.Shared.NextDouble()), clock, stopping),
    };

    private async Task EnrollAsync(CancellationToken cancellationToken)
    {
        var ticket = source.Read();
        proxyHosts.UseAddressesOf(ticket);
        if (identity.Bundles.Held is null)
        {
            identity.Bundles.AcceptFirst(await proxyHosts.MeetAsync(ticket, cancellationToken));
        }

        await CertifyAsync(
            ticket.Id,
            (client, csr, deadline) => client.EnrollAsync(ticket.Request(csr), deadline: deadline, cancellationToken: cancellationToken));
    }

    private Task RenewAsync(SvidCredential held, CancellationToken cancellationToken)
    {
        var epoch = identity.Bundles.Bundle.Epoch;
        CertifyRequest Request(byte[] csr) => new()
        {
            Csr = ByteString.CopyFrom(csr),
            Proof = ByteString.CopyFrom(RenewalProof.Create(held, csr)),
            Epoch = epoch,
        };

        // A leaf that has ended, or stands under a revoked issuer, opens no session any more, but its key still proves who asks.
        return identity.Verify(held.Svid.Chain).IsValid
            ? CertifyAsync(held.Svid.Id, csr => proxyHosts.Session().Client.CertifyAsync(
                Request(csr), deadline: proxyHosts.Deadline(), cancellationToken: cancellationToken))
            : CertifyAsync(held.Svid.Id, (client, csr, deadline) => client.RecoverAsync(
                new RecoverRequest { Certify = Request(csr), Leaf = ByteString.CopyFrom(held.Svid.LeafDer.Span) },
                deadline: deadline,
                cancellationToken: cancellationToken));
    }

    private async Task CertifyAsync(
        SpiffeId id, Func<Enrollment.EnrollmentClient, byte[], DateTime, AsyncUnaryCall<CertifyResponse>> call)
    {
        using var channel = proxyHosts.OpenForEnrollment();
        await CertifyAsync(id, csr => call(new Enrollment.EnrollmentClient(channel), csr, proxyHosts.Deadline()));
    }

    private async Task CertifyAsync(SpiffeId id, Func<byte[], AsyncUnaryCall<CertifyResponse>> call)
    {
        if (_pending?.Id != id)
        {
            Forget();
        }

        var pending = _pending ??= new PendingRequest(id);
        CertifyResponse answer;
        try
        {
            answer = await call(pending.Csr);
        }
        catch (RpcException refusal) when (IsFinal(refusal.StatusCode))
        {
            // What was refused was not issued, so another request gives nothing away.
            Forget();
            _refused = null;
            throw;
        }

        _pending = null;
        await UseAsync(pending.Complete([.. answer.Chain.Select(der => der.Memory)]), id, answer.SignedBundle);
        if (answer.ReenrollmentToken.Length > 0)
        {
            folder.WriteToken(answer.ReenrollmentToken);
        }
    }

    // Whatever becomes of it here, the mesh has issued it and knows its key as the last: the next request is proven with it.
    private async Task UseAsync(SvidCredential credential, SpiffeId id, string signedBundle)
    {
        if (credential.Svid.Id != id)
        {
            credential.Dispose();
            throw new ServerRefusedException($"A certificate of {credential.Svid.Id} was issued, and {id} was asked for.");
        }

        _refused = credential;
        // The watch may have brought a newer one while the answer was on its way. The certificate counts none the less.
        identity.Bundles.AcceptUnlessOlder(await proxyHosts.RememberedAsync(signedBundle, CancellationToken.None));
        var verification = identity.Verify(credential.Svid.Chain, id);
        if (!verification.IsValid)
        {
            throw new ServerRefusedException($"The certificate that the mesh issued does not verify: {verification.Detail}");
        }

        _refused = null;
        identity.Use(credential);
    }

    private void Forget()
    {
        _pending?.Dispose();
        _pending = null;
    }

    // The control plane has looked at the request and said no; after anything else it may yet be issued.
    private static bool IsFinal(StatusCode status) => status is StatusCode.InvalidArgument or StatusCode.Unauthenticated or StatusCode.PermissionDenied
        or StatusCode.FailedPrecondition or StatusCode.NotFound;

    // What a ProxyHost that is down, wrong or changing can cause; anything else is a mistake of this program.
    private static bool IsRetriable(Exception e) => e is RpcException or IOException or UnauthorizedAccessException or HttpRequestException or FormatException
        or JoinTokenException or BundleRejectedException or ServerRefusedException or ArgumentException;

    private static string Reason(Exception e) => e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message;

    private static partial class Log
    {
        [LoggerMessage(EventId = 5101, Level = LogLevel.Information, Message = "Certified as {SpiffeId} until {NotAfter:O}")]
        public static partial void Certified(ILogger logger, SpiffeId spiffeId, DateTimeOffset notAfter);

        [LoggerMessage(EventId = 5102, Level = LogLevel.Warning, Message = "{What} failed: {Reason} (failure {Failures} in a row)")]
        public static partial void Failed(ILogger logger, string what, string reason, int failures);
    }
}
