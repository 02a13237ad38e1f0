using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>Signs the bundle that a state stands for, with the bundle key that its anchor certified.</summary>
internal sealed class BundleSealer(IKeyStore keys, TimeProvider clock)
{
    /// <summary>The same state with its bundle signed; with none while an anchor whose key is elsewhere has certified no bundle key yet.</summary>
    public async Task<TrustDomainState> SealAsync(TrustDomainState state, CancellationToken cancellationToken)
    {
        if (state.BundleSigner is not { } signer)
        {
            return state.Requests.Any(request => request.Use == KeyUse.Bundle)
                ? state
                : throw new InvalidOperationException($"Trust domain {state.Name} has no bundle key.");
        }

        using var key = await LoadAsync(signer, cancellationToken);
        return state with { SignedBundle = SignedBundle.Sign(state.ToBundle(clock.GetUtcNow()), key, signer.Certificate).Jws };
    }

    /// <summary>The word that a state's bundle is in force now, by the key that signed it.</summary>
    public async Task<string> ConfirmAsync(TrustDomainState state, CancellationToken cancellationToken)
    {
        using var key = await LoadAsync(state.BundleSigner!, cancellationToken);
        return BundleConfirmation.Of(SignedBundle.Parse(state.SignedBundle), clock.GetUtcNow()).Sign(key);
    }

    private async Task<ECDsa> LoadAsync(BundleSignerRecord signer, CancellationToken cancellationToken) =>
        await keys.LoadAsync(signer.KeyHash, KeyUse.Bundle, cancellationToken)
        ?? throw new InvalidOperationException($"The key store does not hold bundle key {signer.KeyHash}.");
}
