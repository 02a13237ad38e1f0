using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.Issuers;

/// <summary>
/// The slots of one purpose's issuers: prepared, active, retired. Reconciles with the trust domain when nudged, activated or
/// reminded. Key: TRUST-DOMAIN/PURPOSE.
/// </summary>
[Alias("mesh.issuer"), GrainInterfaceType("mesh.issuer")]
public interface IIssuerGrain : IGrainWithStringKey
{
    /// <summary>The issuer that signs now.</summary>
    /// <param name="epoch">What the caller knows; the answer is at least as new, or refused.</param>
    /// <exception cref="MeshException"><see cref="MeshError.NotReady"/>: none is active.
    /// <see cref="MeshError.Stale"/>: the trust domain has not reached that epoch.</exception>
    [Alias("get-active"), AlwaysInterleave]
    Task<ActiveIssuer> GetActiveAsync(long epoch);

    /// <summary>Something changed in the trust domain: look again.</summary>
    [Alias("nudge"), OneWay]
    Task NudgeAsync();
}

/// <summary>The public part of the issuer that signs now.</summary>
/// <param name="KeyHash">Names its private key in the key store.</param>
/// <param name="Certificate">DER.</param>
/// <param name="Epoch">The trust epoch that this answer belongs to.</param>
/// <param name="SignedBundle">The bundle of that epoch.</param>
[GenerateSerializer, Immutable, Alias("mesh.active-issuer")]
public sealed record ActiveIssuer(
    [property: Id(0)] KeyHash KeyHash,
    [property: Id(1)] ReadOnlyMemory<byte> Certificate,
    [property: Id(2)] long Epoch,
    [property: Id(3)] string SignedBundle);
