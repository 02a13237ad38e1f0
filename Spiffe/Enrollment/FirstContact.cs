using System.Net.Security;

namespace Mesh.Spiffe;

/// <summary>
/// Meets a server whose anchor is known by hash alone. It may be asked for the bundle, which is public, and for nothing else,
/// until the bundle has matched those anchors and the server's own certificate has verified under that bundle.
/// </summary>
/// <remarks>Nothing secret may be said over the provisional connection: whoever answers it is not known yet.</remarks>
/// <param name="trustDomain">Whose server it must be.</param>
/// <param name="anchors">The hashes of the anchors that may be trusted, from a token or an operator.</param>
/// <param name="serverRole">What the server must be.</param>
/// <param name="clock">The reader's.</param>
public sealed class FirstContact(TrustDomainName trustDomain, IReadOnlyList<KeyHash> anchors, IdentityRole serverRole, TimeProvider clock)
{
    private IReadOnlyList<ReadOnlyMemory<byte>> _shown = [];

    /// <summary>TLS that takes any server and remembers what it showed.</summary>
    public SslClientAuthenticationOptions ProvisionalTls(IReadOnlyList<SslApplicationProtocol>? alpn) => SvidTls.Client(
        own: null,
        "mesh",
        chain =>
        {
            _shown = chain;
            return new SvidVerification(SvidRejection.None, null, "Not judged before the bundle is known.", DateTimeOffset.MaxValue);
        },
        alpn);

    /// <summary>Accepts the bundle that the server handed out, or refuses both.</summary>
    /// <exception cref="FormatException">It is not a bundle.</exception>
    /// <exception cref="BundleRejectedException">It does not match the anchors.</exception>
    /// <exception cref="ServerRefusedException">The bundle is right, the server is not: it shows no identity of that role under it.</exception>
    public SignedBundle Accept(string signedBundle)
    {
        var bundle = SignedBundle.Parse(signedBundle);
        bundle.VerifyFirstContact(trustDomain, anchors, clock.GetUtcNow());
        var verification = new SvidVerifier(clock).Verify(_shown, bundle.Bundle);
        if (!verification.IsValid)
        {
            throw new ServerRefusedException(verification.Detail);
        }

        return verification.Svid!.Id.Role == serverRole
            ? bundle
            : throw new ServerRefusedException($"The server is {verification.Svid.Id}, and a {serverRole} was expected.");
    }
}

/// <summary>The server on the other end is not who it should be.</summary>
public sealed class ServerRefusedException(string message) : Exception(message);
