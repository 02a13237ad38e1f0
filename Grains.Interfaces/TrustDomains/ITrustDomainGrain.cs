using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.TrustDomains;

/// <summary>The single writer of trust: anchors, issuers' public parts, revocations, bans. Key: the trust domain's name.</summary>
/// <remarks>
/// A command commits its change, the next sequence and the next epoch in one write; issuers carry out what follows from it.
/// Readers see committed values only.
/// </remarks>
[Alias("mesh.trust-domain"), GrainInterfaceType("mesh.trust-domain")]
public interface ITrustDomainGrain : IGrainWithStringKey
{
    /// <summary>The trust bundle in force.</summary>
    [Alias("get-bundle"), AlwaysInterleave]
    Task<TrustSnapshot> GetBundleAsync();

    /// <summary>Anchors, issuers and revocations, as an operator sees them.</summary>
    [Alias("get-status"), AlwaysInterleave]
    Task<TrustDomainStatus> GetStatusAsync();

    /// <summary>As <see cref="GetStatusAsync"/>, and compared with the store within the last second.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Stale"/>: another silo has written since; ask again.</exception>
    [Alias("confirm"), AlwaysInterleave]
    Task<TrustDomainStatus> ConfirmAsync();

    /// <summary>Signs a one-time token with which a workload or a ProxyHost enrolls.</summary>
    /// <param name="subject">Of this trust domain; a workload or a ProxyHost, never a silo.</param>
    /// <param name="lifetime">1 minute to 7 days.</param>
    /// <param name="addresses">Where to enroll, https://HOST:PORT; 1 to 8.</param>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: what is wrong, by name.</exception>
    [Alias("create-join-token")]
    Task<IssuedJoinToken> CreateJoinTokenAsync(SpiffeId subject, TimeSpan lifetime, IReadOnlyList<Uri> addresses);

    /// <summary>Voids a key, and with it every path that holds it, for good.</summary>
    /// <param name="keyHash">SHA-256 of the SubjectPublicKeyInfo. Revoking it again changes nothing.</param>
    /// <param name="reason">At most 256 characters; kept in the bundle, which is public.</param>
    /// <param name="withoutSuccessor">Revoke it also where the anchor's key is elsewhere and no successor is certified. Then nothing is signed
    /// for its purpose until one is installed.</param>
    /// <remarks>Where it is the issuer that signs, a successor takes over in the same write.</remarks>
    /// <exception cref="MeshException"><see cref="MeshError.NotFound"/>: no issuer of this trust domain has that key.
    /// <see cref="MeshError.Conflict"/>: no successor is certified.</exception>
    [Alias("revoke-issuer")]
    Task<TrustSnapshot> RevokeIssuerAsync(KeyHash keyHash, string reason, bool withoutSuccessor = false);

    /// <summary>Changes an issuer before its time.</summary>
    /// <param name="purpose">workload: at once. control-plane: a successor is published, and signs after the configured time.</param>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: no such purpose. <see cref="MeshError.Conflict"/>: the anchor's key is
    /// elsewhere, and no successor is certified, or its control-plane issuer is still being published.</exception>
    [Alias("rotate-issuer")]
    Task<TrustSnapshot> RotateIssuerAsync(string purpose);

    /// <summary>Takes certificates that an anchor signed whose key is elsewhere: all of them, or none. Installing one again changes nothing.</summary>
    /// <param name="certificates">DER, 1 to 16; each for a key that <see cref="TrustDomainStatus.Requests"/> has. An anchor's own among them is
    /// passed over.</param>
    /// <remarks>An issuer stands by, published, until the one before has lived its share, is rotated or revoked; where none signs, it signs at once.
    /// A bundle key is used at once.</remarks>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: what is wrong with which, every reason at once.</exception>
    [Alias("install-certificates")]
    Task<TrustSnapshot> InstallCertificatesAsync(ImmutableArray<ReadOnlyMemory<byte>> certificates);

    /// <summary>Publishes a new anchor, and the issuers that will sign under it. Nothing is signed under it yet.</summary>
    /// <param name="certificate">Of an anchor whose key is elsewhere, DER; its issuers are requested. Empty: an anchor is made here.</param>
    /// <param name="useStandby">The standby becomes the new anchor.</param>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: a rotation is under way; there is no standby; or the present anchor's key is
    /// elsewhere, and no certificate was given. <see cref="MeshError.InvalidRequest"/>: what is wrong with the certificate.</exception>
    [Alias("start-anchor-rotation")]
    Task<TrustSnapshot> StartAnchorRotationAsync(ReadOnlyMemory<byte> certificate = default, bool useStandby = false);

    /// <summary>Signs under the new anchor from now on; the old one still verifies.</summary>
    /// <remarks>The caller has seen that everybody holds the bundle that names it.</remarks>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: none is prepared, or its issuers have ended or are not certified.</exception>
    [Alias("activate-anchor")]
    Task<TrustSnapshot> ActivateAnchorAsync();

    /// <summary>Takes the old anchor out of the bundle.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: none is retiring, or something that lives depends on it;
    /// the message names what.</exception>
    [Alias("retire-anchor")]
    Task<TrustSnapshot> RetireAnchorAsync();

    /// <summary>Withdraws a new anchor that has not signed yet.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: there is none.</exception>
    [Alias("abort-anchor-rotation")]
    Task<TrustSnapshot> AbortAnchorRotationAsync();

    /// <summary>Puts an anchor whose key is elsewhere in the standby's place; the one before leaves the bundle.</summary>
    /// <param name="certificate">DER. Installing it again changes nothing.</param>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: what is wrong with it, every reason at once.</exception>
    [Alias("install-standby")]
    Task<TrustSnapshot> InstallStandbyAsync(ReadOnlyMemory<byte> certificate);

    /// <summary>Lets an anchor sign by itself whose key has been put into the key store. The key itself does not pass through here.</summary>
    /// <param name="keyHash">SHA-256 of the anchor's SubjectPublicKeyInfo. Taking it again changes nothing.</param>
    /// <exception cref="MeshException"><see cref="MeshError.NotFound"/>: no such anchor. <see cref="MeshError.Conflict"/>: the key store does
    /// not hold the key.</exception>
    [Alias("take-anchor-key")]
    Task<TrustSnapshot> TakeAnchorKeyAsync(KeyHash keyHash);

    /// <summary>Voids an anchor's key and all that it certified. Where it is the one that signs, the standby takes over in the
    /// same write, with issuers of its own; without one the prepared or the retiring anchor, which fewer may know.</summary>
    /// <param name="keyHash">SHA-256 of the SubjectPublicKeyInfo. Revoking it again changes nothing.</param>
    /// <param name="reason">At most 256 characters; kept in the bundle, which is public.</param>
    /// <exception cref="MeshException"><see cref="MeshError.NotFound"/>: no such anchor. <see cref="MeshError.Conflict"/>: nobody knows
    /// another one that could take over.</exception>
    [Alias("revoke-anchor")]
    Task<TrustSnapshot> RevokeAnchorAsync(KeyHash keyHash, string reason);

    /// <summary>Refuses an identity: its leaves everywhere, and whatever it asks for.</summary>
    /// <param name="id">A workload of this trust domain. Banning it again changes nothing.</param>
    /// <param name="reason">One line of at most 256 characters; not in the bundle.</param>
    /// <exception cref="MeshException"><see cref="MeshError.LimitReached"/>: 4,096 bans, or 512 KiB of them, are kept already.</exception>
    [Alias("ban")]
    Task<TrustSnapshot> BanAsync(SpiffeId id, string reason = "");

    /// <summary>Lifts a ban. What was issued before the cut-off that it answers stays refused: leaves, keys, tokens.</summary>
    /// <remarks>The record is dropped once nothing from before the cut-off can be alive. Lifting it again changes nothing.</remarks>
    /// <exception cref="MeshException"><see cref="MeshError.NotFound"/>: no ban is kept of that identity.</exception>
    [Alias("unban")]
    Task<BanStatus> UnbanAsync(SpiffeId id);

    /// <summary>Bans that stand, and lifted ones that still refuse something.</summary>
    [Alias("get-bans"), AlwaysInterleave]
    Task<ImmutableArray<BanStatus>> GetBansAsync();
}
