using System.Security.Cryptography;
using Mesh.Grains.Issuance;

namespace Mesh.Grains.Attestation;

/// <summary>Gives an enrollment its instance, by one conditional insert that is also the record of it.</summary>
internal sealed class NewInstances(IIssuanceStore store)
{
    private const int InstanceIdBytes = 128 / 8;

    /// <summary>A new instance; the same one for a repeat of the identical request; null where another request was here first.</summary>
    /// <param name="redemption">The name by which the evidence is good once.</param>
    /// <param name="csrHash">SHA-256 of the request, hex.</param>
    /// <param name="provenAt">When the evidence came into being.</param>
    /// <param name="expiresAt">When the evidence is over.</param>
    /// <param name="cancellationToken">Stops waiting; the instance may have been recorded.</param>
    public async Task<ProvenInstance?> RedeemAsync(
        string redemption, string csrHash, DateTimeOffset provenAt, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        var fresh = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(InstanceIdBytes));
        var instanceId = await store.RedeemAsync(new TokenRedemption(redemption, csrHash, fresh, expiresAt), cancellationToken);
        if (instanceId is null)
        {
            return null;
        }

        var latest = instanceId == fresh ? null : await store.FindLatestAsync(instanceId, cancellationToken);
        return new ProvenInstance(instanceId, 0, "", latest, provenAt);
    }
}
