using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Grains.TrustDomains;

/// <summary>What a restored trust domain is told by those who remember.</summary>
internal sealed partial class TrustDomainGrain
{
    public async Task<TrustSnapshot> OfferAsync(string signedBundle)
    {
        SignedBundle offered;
        try
        {
            offered = SignedBundle.Parse(signedBundle);
            if (Committed.Forgotten?.Holds(offered.Bundle.Sequence) != true)
            {
                return Snapshot(Committed);
            }

            offered.VerifyForgotten(SignedBundle.Parse(Committed.SignedBundle).Bundle, clock.GetUtcNow());
        }
        catch (Exception e) when (e is FormatException or BundleRejectedException)
        {
            throw new MeshException(MeshError.InvalidRequest, $"What was offered is no bundle of {Committed.Name}: {e.Message}");
        }

        var next = await restoration.RememberAsync(Committed, offered.Bundle, CancellationToken.None);
        var (revocations, bans) = (next.Revocations.Length - Committed.Revocations.Length, next.Bans.Length - Committed.Bans.Length);
        await CommitAsync(next);
        Log.Remembered(logger, Committed.Name, offered.Bundle.Sequence, revocations, bans);
        await NudgeAllAsync();
        return Snapshot(Committed);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2052, Level = LogLevel.Warning, Message = "Trust domain {TrustDomain} took back what bundle {Sequence} of before the restore knew: {Revocations} revocations and {Bans} bans more")]
        public static partial void Remembered(ILogger logger, string trustDomain, long sequence, int revocations, int bans);
    }
}
