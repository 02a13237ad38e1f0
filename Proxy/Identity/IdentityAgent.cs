using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Mesh.Proxy.Session;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Identity;

/// <summary>Gets the workload its certificates: enrolls with a token, renews with a new key each time, and never gives up.</summary>
/// <remarks>A private key is made here, lives in memory and goes nowhere else.</remarks>
internal sealed partial class IdentityAgent(
    WorkloadIdentity identity, ProxyHostClient proxyHosts, EnrollmentFolder folder, string tokenFile, TimeProvider clock, ILogger<IdentityAgent> logger)
{
    public async Task RunAsync(CancellationToken stopping)
    {
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            var held = identity.Credential?.Svid;
            try
            {
                await Task.Delay(WaitFor(held, failures), clock, stopping);
                await (identity.Credential is { } credential ? RenewAsync(credential, stopping) : EnrollAsync(stopping));
                failures = 0;
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
                if (held is null && e is RpcException { StatusCode: StatusCode.Unauthenticated })
                {
                    // The operator's token may be newer than the one kept from last time.
                    folder.ForgetToken();
                }

                Log.Failed(logger, held is null ? "Enrollment" : "Renewal", Reason(e), failures);
                proxyHosts.MoveOn();
            }
        }
    }

    private TimeSpan WaitFor(X509Svid? held, int failures) => (held, failures) switch
    {
        (null, 0) => TimeSpan.Zero,
        ({ } svid, 0) => RenewalSchedule.RenewIn(svid, clock.GetUtcNow(), Random.Shared.NextDouble()),
        _ => RenewalSchedule.RetryIn(held, failures, clock.GetUtcNow(), Random.Shared.NextDouble()),
    };

    private async Task EnrollAsync(CancellationToken cancellationToken)
    {
        var text = folder.ReadToken(tokenFile);
        var token = JoinToken.ParseUnverified(text);
        proxyHosts.UseAddressesOf(token);
        if (identity.Bundles.Held is null)
        {
            identity.Bundles.AcceptFirst(await proxyHosts.MeetAsync(token, cancellationToken));
        }

        await CertifyAsync(
            token.Subject,
            (client, csr, deadline) => client.EnrollAsync(
                new EnrollRequest { Token = text, Csr = ByteString.CopyFrom(csr) }, deadline: deadline, cancellationToken: cancellationToken));
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

        // A leaf that has ended opens no session any more, but its key still proves who asks.
        return clock.GetUtcNow() < held.Svid.NotAfter
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
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertifyResponse answer;
        try
        {
            answer = await call(CertificateRequestBuilder.CreateCsr(id, key));
        }
        catch
        {
            key.Dispose();
            throw;
        }

        Use(SvidCredential.Create([.. answer.Chain.Select(der => der.Memory)], key), id, answer.SignedBundle);
        if (answer.ReenrollmentToken.Length > 0)
        {
            folder.WriteToken(answer.ReenrollmentToken);
        }
    }

    private void Use(SvidCredential credential, SpiffeId id, string signedBundle)
    {
        try
        {
            AcceptUnlessOlder(signedBundle);
            var verification = identity.Verify(credential.Svid.Chain, id);
            if (!verification.IsValid)
            {
                throw new ServerRefusedException($"The certificate that the mesh issued does not verify: {verification.Detail}");
            }
        }
        catch
        {
            credential.Dispose();
            throw;
        }

        identity.Use(credential);
    }

    // The watch may have brought a newer bundle while the answer was on its way. The certificate counts none the less: its key is
    // the one on record now, and a renewal with the key before it would look like theft.
    private void AcceptUnlessOlder(string signedBundle)
    {
        try
        {
            identity.Accept(signedBundle);
        }
        catch (BundleRejectedException e) when (e.Reason == BundleRejection.OlderSequence)
        {
            // The one that is held judges the certificate.
        }
    }

    // What a ProxyHost that is down, wrong or changing can cause; anything else is a mistake of this program.
    private static bool IsRetriable(Exception e) => e is RpcException or IOException or UnauthorizedAccessException or HttpRequestException or FormatException
        or JoinTokenException or BundleRejectedException or ServerRefusedException or ArgumentException;

    private static string Reason(Exception e) => e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message;

    private static partial class Log
    {
        [LoggerMessage(EventId = 5101, Level = LogLevel.Information, Message = "Certified as {SpiffeId} until {NotAfter}")]
        public static partial void Certified(ILogger logger, SpiffeId spiffeId, DateTimeOffset notAfter);

        [LoggerMessage(EventId = 5102, Level = LogLevel.Warning, Message = "{What} failed: {Reason} (failure {Failures} in a row)")]
        public static partial void Failed(ILogger logger, string what, string reason, int failures);
    }
}
