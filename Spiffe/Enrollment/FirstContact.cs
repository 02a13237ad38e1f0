using System.Net.Security;

namespace Mesh.Spiffe;

/// <summary>
/// Meets a server that no bundle vouches for yet: its anchor is known by hash alone, or its issuer is newer than the bundle that is
/// held. It may be asked for the bundle, which is public, and for nothing else, until that bundle has been verified by what is known
/// and the server's own certificate under that bundle.
/// </summary>
/// <remarks>Nothing secret may be said over the provisional connection: whoever answers it is not known yet.</remarks>
public sealed class FirstContact
{
    private readonly IdentityRole _serverRole;
    private readonly TimeProvider _clock;
    private readonly Action<SignedBundle> _verify;
    private IReadOnlyList<ReadOnlyMemory<byte>> _shown = [];

    /// <summary>With the hashes of anchors alone, from a token or an operator: the bundle must have one of them.</summary>
    public FirstContact(TrustDomainName trustDomain, IReadOnlyList<KeyHash> anchors, IdentityRole serverRole, TimeProvider clock)
        : this(serverRole, clock, bundle => bundle.VerifyFirstContact(trustDomain, anchors, clock.GetUtcNow()))
    {
    }

    /// <summary>With a bundle that may be out of date: the next must be one that may follow it.</summary>
    public FirstContact(TrustBundle held, IdentityRole serverRole, TimeProvider clock)
        : this(serverRole, clock, bundle => bundle.VerifySuccessor(held, clock.GetUtcNow()))
    {
    }

    private FirstContact(IdentityRole serverRole, TimeProvider clock, Action<SignedBundle> verify) =>
        (_serverRole, _clock, _verify) = (serverRole, clock, verify);

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
    /// <exception cref="BundleRejectedException">It does not match the anchors, or may not follow the bundle that is held.</exception>
    /// <exception cref="ServerRefusedException">The bundle is right, the server is not: it shows no identity of that role under it.</exception>
    public SignedBundle Accept(string signedBundle)
    {
        var bundle = SignedBundle.Parse(signedBundle);
        _verify(bundle);
        var verification = new SvidVerifier(_clock).Verify(_shown, bundle.Bundle);
        if (!verification.IsValid)
        {
            throw new ServerRefusedException(verification.Detail);
        }

        return verification.Svid!.Id.Role == _serverRole
            ? bundle
            : throw new ServerRefusedException($"The server is {verification.Svid.Id}, and a {_serverRole} was expected.");
    }
}

/// <summary>The server on the other end is not who it should be.</summary>
public sealed class ServerRefusedException(string message) : Exception(message);
