using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Transport;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Issuers;
using Mesh.Silo.Hosting;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Identity;

/// <summary>Keeps the silo's certificate and bundle current while it runs, without a restart.</summary>
internal sealed partial class SiloIdentityService(
    SiloIdentity identity,
    SiloCertificateSource certificates,
    CertificateInstruments instruments,
    IGrainFactory grains,
    IOptions<SiloOptions> options,
    TimeProvider clock,
    ILogger<SiloIdentityService> logger) : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // Ends when a bundle has voided the certificate in use, or retires its anchor.
    private TaskCompletionSource _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(FollowBundleAsync(stoppingToken), RenewAsync(stoppingToken));

    private Task FollowBundleAsync(CancellationToken stopping)
    {
        var feed = grains.GetGrain<ITrustFeed>(options.Value.TrustDomain);
        return RepeatAsync(
            async () =>
            {
                if (await feed.PollAsync(identity.Bundle.Sequence, stopping) is { } snapshot && snapshot.Sequence > identity.Bundle.Sequence)
                {
                    identity.Use(SignedBundle.Parse(snapshot.SignedBundle).Bundle);
                }

                // After each poll, since a bundle may have come another way.
                if (identity.MustRenew)
                {
                    Volatile.Read(ref _hurry).TrySetResult();
                }

                // The bundle does not name the workloads' issuers; whatever changes them gives it another sequence.
                if (instruments.Sequence < identity.Bundle.Sequence)
                {
                    instruments.Show(await grains.GetGrain<ITrustDomainGrain>(options.Value.TrustDomain).GetStatusAsync());
                }
            },
            stopping);
    }

    private Task RenewAsync(CancellationToken stopping) => RepeatAsync(
        async () =>
        {
            Volatile.Write(ref _hurry, new(TaskCreationOptions.RunContinuationsAsynchronously));
            if (!identity.MustRenew)
            {
                using var due = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                await await Task.WhenAny(Task.Delay(RenewIn(identity.Credential.Svid, clock.GetUtcNow()), clock, due.Token), _hurry.Task);
                await due.CancelAsync();
            }

            var key = IssuerKey.Of(options.Value.TrustDomain, AuthorityPurpose.ControlPlane);
            var issuer = await grains.GetGrain<IIssuerGrain>(key).GetActiveAsync(identity.Bundle.Epoch);
            identity.Use(await certificates.CreateAsync(issuer.KeyHash, issuer.Certificate, stopping));
            Log.Renewed(logger, identity.Credential.Svid.NotAfter);
        },
        stopping);

    // At 70 % of its life, as everybody's.
    private static TimeSpan RenewIn(X509Svid svid, DateTimeOffset now)
    {
        var issuedAt = svid.NotBefore + SvidProfile.Backdating;
        var due = issuedAt + ((svid.NotAfter - issuedAt) * 0.7) - now;
        return due > TimeSpan.Zero ? due : TimeSpan.Zero;
    }

    private async Task RepeatAsync(Func<Task> step, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await step();
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                Log.Failed(logger, RetryAfter, fault);
                await Task.Delay(RetryAfter, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1201, Level = LogLevel.Information, Message = "The silo's certificate was renewed, good until {NotAfter}")]
        public static partial void Renewed(ILogger logger, DateTimeOffset notAfter);

        [LoggerMessage(EventId = 1202, Level = LogLevel.Warning, Message = "Keeping the silo's identity current failed; next try in {RetryAfter}")]
        public static partial void Failed(ILogger logger, TimeSpan retryAfter, Exception fault);
    }
}
