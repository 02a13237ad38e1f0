using Mesh.Grains.Interfaces.Errors;
using Orleans.Concurrency;

namespace Mesh.Grains.Interfaces.TrustDomains;

/// <summary>What ProxyHosts may ask of a trust domain: its bundle, by long poll; and what they may give back. Key: the trust domain's name.</summary>
[Alias("mesh.trust-feed"), GrainInterfaceType("mesh.trust-feed")]
public interface ITrustFeed : IGrainWithStringKey
{
    /// <summary>Answers as soon as the bundle's sequence differs from the caller's, else with null after 10 seconds.</summary>
    /// <param name="knownSequence">What the caller holds; 0 is nothing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("poll"), AlwaysInterleave, ResponseTimeout("00:00:20")]
    Task<TrustSnapshot?> PollAsync(long knownSequence, CancellationToken cancellationToken);

    /// <summary>The trust domain's signed word that its bundle is in force: compact JWS, about two seconds old at the most.</summary>
    /// <remarks>The bundle was compared with the store for it, so a silo that is cut off from the store confirms nothing.</remarks>
    /// <exception cref="MeshException"><see cref="MeshError.Stale"/>: another silo has written since; ask again.</exception>
    [Alias("confirm-bundle"), AlwaysInterleave]
    Task<string> ConfirmBundleAsync();

    /// <summary>
    /// Takes back what a restored trust domain has forgotten, from a bundle of before the restore that somebody holds. One that says
    /// nothing new changes nothing.
    /// </summary>
    /// <param name="signedBundle">Compact JWS, at most 1 MiB.</param>
    /// <returns>The bundle in force then.</returns>
    /// <exception cref="Errors.MeshException"><see cref="Errors.MeshError.InvalidRequest"/>: it is no bundle, or not of this trust domain.</exception>
    [Alias("offer")]
    Task<TrustSnapshot> OfferAsync(string signedBundle);
}
