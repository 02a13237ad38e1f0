using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>Signs join and re-enrollment tokens with the trust domain's token key.</summary>
internal sealed class JoinTokenFactory(IKeyStore keys, TimeProvider clock)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    /// <summary>A token that an operator hands to a new workload or ProxyHost.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, naming what is wrong.</exception>
    public async Task<IssuedJoinToken> CreateAsync(
        TrustDomainState state, SpiffeId subject, TimeSpan lifetime, IReadOnlyList<Uri> addresses, CancellationToken cancellationToken)
    {
        if (subject.TrustDomain.Name != state.Name || subject.Role is not (IdentityRole.Workload or IdentityRole.ProxyHost))
        {
            throw new MeshException(MeshError.InvalidRequest, $"{subject} is neither a workload nor a ProxyHost of {state.Name}.");
        }

        if (lifetime < Shortest || lifetime > Longest)
        {
            throw new MeshException(MeshError.InvalidRequest, $"A token lives {Shortest} to {Longest}, not {lifetime}.");
        }

        if (addresses.Count is 0 or > 8 || addresses.FirstOrDefault(address => !IsHttps(address)) is not null)
        {
            throw new MeshException(MeshError.InvalidRequest, "A token names 1 to 8 addresses, each https://HOST:PORT.");
        }

        // A retiring one too: bundles are signed under it until it is gone.
        var anchors = state.Anchors.Select(anchor => anchor.KeyHash);
        var token = JoinToken.Create(subject, clock.GetUtcNow(), lifetime, [.. anchors], addresses);
        var key = state.TokenKeys[^1];
        return new IssuedJoinToken(await SignAsync(key.KeyHash, key.KeyId, token, cancellationToken), subject, token.ExpiresAt);
    }

    /// <summary>A token that an instance keeps for its next start, in place of the one that it has just used.</summary>
    public async Task<string> CreateReenrollmentAsync(
        TrustBundle bundle, JoinToken used, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        var anchors = bundle.Anchors.Select(anchor => anchor.KeyHash);
        var now = clock.GetUtcNow();
        var token = JoinToken.Create(used.Subject, now, expiresAt - now, [.. anchors], used.Addresses, JoinTokenUse.Reenroll);
        var key = bundle.TokenKeys[^1];
        return await SignAsync(KeyHash.OfPublicKey(key.SubjectPublicKeyInfo.Span), key.KeyId, token, cancellationToken);
    }

    private async Task<string> SignAsync(KeyHash keyHash, string keyId, JoinToken token, CancellationToken cancellationToken)
    {
        using var secret = await keys.LoadAsync(keyHash, KeyUse.Token, cancellationToken)
            ?? throw new InvalidOperationException($"The key store does not hold token key {keyId}.");
        return token.Sign(secret, keyId);
    }

    private static bool IsHttps(Uri address) =>
        address is { IsAbsoluteUri: true, Scheme: "https", UserInfo: "", AbsolutePath: "/", Query: "", Fragment: "" };
}
