using System.Security.Cryptography;
using Mesh.Grains.Certificates;
using Mesh.Grains.Issuers;
using Mesh.Grains.Keys;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.TrustDomains;

/// <summary>Makes authorities: a key that is durable in the key store first, then the certificate that names it.</summary>
internal sealed class AuthorityFactory(
    IKeyStore keys,
    IOptions<AnchorOptions> anchorOptions,
    IOptions<IssuerOptions> issuerOptions,
    TimeProvider clock)
{
    public async Task<AnchorRecord> CreateAnchorAsync(TrustDomainName trustDomain, AnchorStage stage, CancellationToken cancellationToken)
    {
        using var key = await keys.CreateAsync(KeyUse.Anchor, cancellationToken);
        var validity = Validity.From(clock.GetUtcNow(), anchorOptions.Value.Lifetime);
        var certificate = CertificateFactory.CreateAnchor(trustDomain, key, validity);
        return new AnchorRecord(HashOf(key), certificate, stage, validity.NotBefore, validity.NotAfter, clock.GetUtcNow(), 0);
    }

    public async Task<IssuerRecord> CreateIssuerAsync(
        TrustDomainName trustDomain, AuthorityPurpose purpose, IssuerStage stage, AnchorRecord anchor, CancellationToken cancellationToken)
    {
        using var key = await keys.CreateAsync(purpose.KeyUse(), cancellationToken);
        using var anchorKey = await LoadAnchorKeyAsync(anchor, cancellationToken);
        var validity = Validity.From(clock.GetUtcNow(), issuerOptions.Value.Lifetime).Within(anchor.NotAfter);
        var certificate = CertificateFactory.CreateIssuer(trustDomain, purpose, key, new Signer(anchor.Certificate, anchorKey), validity);
        return new IssuerRecord(HashOf(key), certificate, purpose, stage, validity.NotBefore, validity.NotAfter, anchor.KeyHash, clock.GetUtcNow(), validity.NotAfter);
    }

    public async Task<BundleSignerRecord> CreateBundleSignerAsync(TrustDomainName trustDomain, AnchorRecord anchor, CancellationToken cancellationToken)
    {
        using var key = await keys.CreateAsync(KeyUse.Bundle, cancellationToken);
        using var anchorKey = await LoadAnchorKeyAsync(anchor, cancellationToken);
        var validity = new Validity(Validity.From(clock.GetUtcNow(), TimeSpan.Zero).NotBefore, anchor.NotAfter);
        var certificate = CertificateFactory.CreateBundleSigner(trustDomain, key, new Signer(anchor.Certificate, anchorKey), validity);
        return new BundleSignerRecord(HashOf(key), certificate, anchor.KeyHash, validity.NotBefore, validity.NotAfter);
    }

    /// <summary>A key for an anchor to certify whose own key is elsewhere, and the request for it.</summary>
    public async Task<AuthorityRequestRecord> CreateRequestAsync(TrustDomainName trustDomain, KeyUse use, AnchorRecord anchor, CancellationToken cancellationToken)
    {
        using var key = await keys.CreateAsync(use, cancellationToken);
        return new AuthorityRequestRecord(HashOf(key), use, anchor.KeyHash, AuthorityCsr.Create(trustDomain, use, key), clock.GetUtcNow());
    }

    public async Task<TokenKeyRecord> CreateTokenKeyAsync(CancellationToken cancellationToken)
    {
        using var key = await keys.CreateAsync(KeyUse.Token, cancellationToken);
        var hash = HashOf(key);
        return new TokenKeyRecord(hash.ToString()[..16], hash, key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>Whether an anchor's key is in the key store.</summary>
    public async Task<bool> HoldsKeyOfAsync(AnchorRecord anchor, CancellationToken cancellationToken)
    {
        using var key = await keys.LoadAsync(anchor.KeyHash, KeyUse.Anchor, cancellationToken);
        return key is not null;
    }

    private async Task<ECDsa> LoadAnchorKeyAsync(AnchorRecord anchor, CancellationToken cancellationToken) =>
        await keys.LoadAsync(anchor.KeyHash, KeyUse.Anchor, cancellationToken)
        ?? throw new InvalidOperationException($"The key store does not hold the key of anchor {anchor.KeyHash}.");

    private static KeyHash HashOf(ECDsa key) => KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo());
}
