using Mesh.Grains.Attestation;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Spiffe;

namespace Mesh.Grains.Issuers;

/// <summary>Decides whether the evidence that came with a CSR proves the identity asked for: by its kind's attestor, and by the bans.</summary>
internal sealed class EvidenceVerifier(IEnumerable<IAttestor> attestors, TimeProvider clock)
{
    private readonly Dictionary<Type, IAttestor> _attestors = attestors.ToDictionary(attestor => attestor.Kind);

    /// <summary>What the evidence proves: which instance, and what it was issued before.</summary>
    /// <exception cref="MeshException">The evidence does not hold; the message says why.</exception>
    public async Task<ProvenInstance> VerifyAsync(SignRequest request, string csrHash, TrustBundle bundle, CancellationToken cancellationToken)
    {
        // What comes off the wire may lack what its type demands.
        if (request.Evidence is not { } evidence || !_attestors.TryGetValue(evidence.GetType(), out var attestor))
        {
            throw new MeshException(MeshError.InvalidRequest, "The request carries no evidence that this silo knows.");
        }

        var proven = await attestor.AttestAsync(request, csrHash, bundle, cancellationToken);

        RefuseBanned(request.Id, proven, bundle);
        return proven;
    }

    /// <summary>A ban outlives the token and the key that was recorded before it.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.Revoked"/>, or <see cref="MeshError.NotReady"/> until the ban is over.</exception>
    public void RefuseBanned(SpiffeId id, ProvenInstance proven, TrustBundle bundle)
    {
        if (bundle.Bans.FirstOrDefault(ban => ban.Id == id) is not { } ban)
        {
            return;
        }

        if (proven.ProvenAt < ban.IssuedBefore)
        {
            throw new MeshException(MeshError.Revoked, $"{ban.Id} is banned: evidence from before {ban.IssuedBefore:O} is refused.");
        }

        if (ban.Refuses(clock.GetUtcNow() - SvidProfile.Backdating))
        {
            // This silo's clock is behind: a leaf would be void from the start, and its key worth nothing.
            throw new MeshException(MeshError.NotReady, $"The ban of {ban.Id} ends at {ban.IssuedBefore:O}. Try again then.");
        }
    }
}
