using System.Security.Cryptography;
using Mesh.Grains.Keys;
using Mesh.Silo.Keys;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.Silo.Tests.Keys;

public class KeyEncryptionKeyTests
{
    private static readonly TrustDomainName TrustDomain = TrustDomainName.Parse("mesh.example");

    [Fact]
    public void It_opens_what_it_sealed_on_every_core_at_once()
    {
        using var folder = new TempFolder();
        using var key = KeyEncryptionKey.LoadOrCreate(folder.File("key"), create: true);
        var hash = KeyHash.OfPublicKey("any"u8);
        var secrets = Enumerable.Range(0, 8).Select(_ => RandomNumberGenerator.GetBytes(138)).ToList();
        var records = secrets.ConvertAll(secret => key.Seal(secret, TrustDomain, hash, KeyUse.Token));

        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            if (!key.Open(records[i % 8], TrustDomain, hash, KeyUse.Token).AsSpan().SequenceEqual(secrets[i % 8]))
            {
                throw new InvalidOperationException("Another record's secret.");
            }
        });
    }
}
