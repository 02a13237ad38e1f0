using Mesh.Grains.Certificates;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Hosting;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace Mesh.Silo.Identity;

/// <summary>
/// Reads the trust domain from the store after another silo was refused here: the issuers of silos may have changed since this one
/// read it, and the bundle that names them would come over the very connection that was refused.
/// </summary>
internal sealed partial class SiloCatchUp(
    SiloIdentity identity, SiloCertificateSource certificates, IGrainStorage storage, IOptions<SiloOptions> options, ILogger<SiloCatchUp> logger)
{
    private int _looking;

    /// <summary>Looks, once at a time. Where that fails the next refusal looks again.</summary>
    public async void Look()
    {
        if (Interlocked.Exchange(ref _looking, 1) == 1)
        {
            return;
        }

        try
        {
            await LookOnceAsync();
        }
        catch (Exception fault)
        {
            // Nobody waits for this: what is thrown here would end the process.
            Log.Failed(logger, fault);
        }
        finally
        {
            Volatile.Write(ref _looking, 0);
        }
    }

    private async Task LookOnceAsync()
    {
        var row = new GrainState<TrustDomainState>(new TrustDomainState());
        await storage.ReadStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(options.Value.TrustDomainName), row);
        if (row.State is not { } trust || trust.Sequence <= identity.Bundle.Sequence)
        {
            return;
        }

        identity.Use(SignedBundle.Parse(trust.SignedBundle).Bundle);
        if (identity.IsVoid && trust.ActiveIssuer(AuthorityPurpose.ControlPlane) is { } issuer)
        {
            identity.Use(await certificates.CreateAsync(issuer.KeyHash, issuer.Certificate, CancellationToken.None));
        }

        Log.CaughtUp(logger, trust.Sequence);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1203, Level = LogLevel.Information, Message = "A silo was under an issuer that was not known here; trust sequence {Sequence} was read from the store")]
        public static partial void CaughtUp(ILogger logger, long sequence);

        [LoggerMessage(EventId = 1204, Level = LogLevel.Warning, Message = "The trust domain could not be read from the store after a silo was refused")]
        public static partial void Failed(ILogger logger, Exception fault);
    }
}
