using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Issuance;
using Mesh.Spiffe;

namespace Mesh.Grains.Attestation;

/// <summary>Judges one kind of evidence. A new kind is a folder beside this file, with one of these in it.</summary>
internal interface IAttestor
{
    /// <summary>The kind of evidence, a type derived from <see cref="Evidence"/>.</summary>
    Type Kind { get; }

    /// <summary>What the evidence proves. Whether the identity is banned is not asked here.</summary>
    /// <param name="request">Its evidence is of this kind.</param>
    /// <param name="csrHash">SHA-256 of the request, hex: a repeat of it is given the same instance.</param>
    /// <param name="bundle">The bundle in force.</param>
    /// <param name="cancellationToken">Stops waiting; evidence that is good once may have been used up.</param>
    /// <exception cref="MeshException">The evidence does not prove <see cref="SignRequest.Id"/>; the message says why.</exception>
    Task<ProvenInstance> AttestAsync(SignRequest request, string csrHash, TrustBundle bundle, CancellationToken cancellationToken);
}

/// <summary>What evidence has proven.</summary>
/// <param name="InstanceId">The instance that the certificate is for.</param>
/// <param name="LastGeneration">Its newest certificate so far; 0 for none.</param>
/// <param name="PreviousLeafHash">SHA-256 of the leaf that is replaced, hex; empty for none.</param>
/// <param name="AlreadyIssued">The answer that an identical request was given before.</param>
/// <param name="ProvenAt">When the evidence came into being; bans compare it.</param>
internal sealed record ProvenInstance(
    string InstanceId, long LastGeneration, string PreviousLeafHash, IssuanceRecord? AlreadyIssued, DateTimeOffset ProvenAt);
