using Mesh.Grains.Issuance;
using Mesh.Spiffe;

namespace Mesh.Silo.Tests.Support;

/// <summary>Issuance records as a signer makes them, with bytes that are no certificates.</summary>
internal static class TestRecords
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly KeyHash Issuer = KeyHash.OfPublicKey("issuer"u8);

    public static SpiffeId Web { get; } = SpiffeId.ForWorkload(TestStore.TrustDomain, "emojivoto", "web");

    public static IssuanceRecord Record(long index, string instance, long generation = 1, SpiffeId? id = null, int days = 1) => new(
        Issuer, 0, index, id ?? Web, instance, generation, $"csr-{instance}-{generation}", generation == 1 ? "" : "previous",
        new byte[] { 1, 0, 2, (byte)generation }, new byte[] { 0, 255 }, Now.AddDays(days));
}
