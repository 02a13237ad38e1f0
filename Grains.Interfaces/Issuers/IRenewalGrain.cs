using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Grains.Interfaces.Issuers;

/// <summary>
/// Renews X.509-SVIDs of workloads, as many at once as have come together: what a renewal costs is mostly the way to the signer and to the
/// disk, and they share it. Key: TRUST-DOMAIN/LANE, where a lane is any number; different ones may be served by different silos.
/// </summary>
[Alias("mesh.renewal"), GrainInterfaceType("mesh.renewal")]
public interface IRenewalGrain : IGrainWithStringKey
{
    /// <summary>Requests in one call at the most.</summary>
    const int MostAtOnce = 64;

    /// <summary>The key of a lane.</summary>
    static string KeyOf(string trustDomain, int lane) => $"{trustDomain}/{lane}";

    /// <summary>One outcome for each request, in their order; none depends on another's.</summary>
    /// <param name="requests">1 to <see cref="MostAtOnce"/>. The evidence of each is a <see cref="RenewalEvidence"/>.</param>
    /// <exception cref="MeshException">
    /// <see cref="MeshError.InvalidRequest"/>: too many requests, or none. <see cref="MeshError.Stale"/>: this silo has not heard of the trust domain
    /// lately. <see cref="MeshError.NotReady"/>: no issuer is active, or the store does not answer. Nothing was issued.
    /// </exception>
    [Alias("renew")]
    Task<ImmutableArray<RenewalOutcome>> RenewAsync(ImmutableArray<SignRequest> requests);
}

/// <summary>What became of one request: a certificate or a refusal.</summary>
/// <param name="Issued">Null where it was refused.</param>
/// <param name="Error">Why it was refused, as <see cref="ISignerGrain.SignAsync"/> says it; of no meaning otherwise.</param>
/// <param name="Detail">One sentence on it that may be shown to whoever asked.</param>
[GenerateSerializer, Immutable, Alias("mesh.renewal-outcome")]
public sealed record RenewalOutcome(
    [property: Id(0)] IssuedSvid? Issued,
    [property: Id(1)] MeshError Error,
    [property: Id(2)] string Detail)
{
    /// <summary>A certificate.</summary>
    public static RenewalOutcome Of(IssuedSvid issued) => new(issued, default, "");

    /// <summary>A refusal.</summary>
    public static RenewalOutcome Of(MeshException refusal) => new(null, refusal.Error, refusal.Message);

    /// <summary>The certificate.</summary>
    /// <exception cref="MeshException">It was refused.</exception>
    public IssuedSvid OrThrow() => Issued ?? throw new MeshException(Error, Detail);
}
