using System.Security.Cryptography;
using Mesh.Grains.Certificates;
using Mesh.Grains.Issuers;
using Mesh.Grains.Keys;
using Mesh.Silo.Hosting;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Identity;

/// <summary>Signs the silo's own certificate with the control-plane issuer's key, by the code that signs everybody's.</summary>
/// <remarks>A silo holds the key-encryption key, so asking a grain would prove nothing and could not work before Orleans runs.</remarks>
internal sealed class SiloCertificateSource(
    IKeyStore keys, IOptions<SiloOptions> options, IOptions<LeafOptions> leafOptions, TimeProvider clock)
{
    public async Task<SvidCredential> CreateAsync(KeyHash issuer, ReadOnlyMemory<byte> issuerCertificate, CancellationToken cancellationToken)
    {
        using var issuerKey = await keys.LoadAsync(issuer, KeyUse.ControlPlaneIssuer, cancellationToken)
            ?? throw new InvalidOperationException($"The key store does not hold the key of control-plane issuer {issuer}.");
        var signer = new Signer(issuerCertificate, issuerKey);
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var validity = Validity.From(clock.GetUtcNow(), leafOptions.Value.ControlPlaneLifetime)
            .Within(signer.NotAfter)
            .Backdated(SvidProfile.Backdating);
        var leaf = LeafCertificate.Create(
            SpiffeId.ForSilo(options.Value.TrustDomainName, options.Value.Name),
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            key.ExportSubjectPublicKeyInfo(),
            signer,
            validity);
        return SvidCredential.Create([leaf, issuerCertificate], key);
    }
}
