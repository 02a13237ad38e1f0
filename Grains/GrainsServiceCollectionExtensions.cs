using Mesh.Grains.Attestation;
using Mesh.Grains.Attestation.Oidc;
using Mesh.Grains.Cluster;
using Mesh.Grains.Issuers;
using Mesh.Grains.Ledger;
using Mesh.Grains.TrustDomains;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Mesh.Grains;

/// <summary>Registers what the grains need beside Orleans itself.</summary>
public static class GrainsServiceCollectionExtensions
{
    /// <summary>
    /// Adds the grains' own services. The host adds a key store, an issuance store, a <see cref="TimeProvider"/>,
    /// grain storage and the silos' metadata.
    /// </summary>
    public static IServiceCollection AddMeshGrains(this IServiceCollection services)
    {
        services.AddMeshGrainsOptions();
        services.AddSingleton<AuthorityFactory>();
        services.AddSingleton<AuthorityRotator>();
        services.AddSingleton<BundleSealer>();
        services.AddSingleton<CertificateInstaller>();
        services.AddSingleton<GivenAnchors>();
        services.AddSingleton<TrustRestoration>();
        services.AddSingleton<JoinTokenFactory>();
        services.AddAttestation();
        services.AddSingleton<EvidenceVerifier>();
        services.AddTransient<LeafSigner>();
        services.AddSingleton<IssuanceInstruments>();
        services.AddSingleton<ClusterView>();
        services.AddSingleton<TrustLedger>();
        return services;
    }

    /// <summary>Adds the grains' options and what validates them, so that a host can look for mistakes before it does anything.</summary>
    public static IServiceCollection AddMeshGrainsOptions(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<AnchorOptions, AnchorOptionsValidator>();
        services.AddSingleton<IValidateOptions<AnchorOptions>, AnchorFilesValidator>();
        services.AddOptionsWithValidateOnStart<IssuerOptions, IssuerOptionsValidator>();
        services.AddOptionsWithValidateOnStart<LeafOptions, LeafOptionsValidator>();
        services.AddOptionsWithValidateOnStart<AttestationOptions, AttestationOptionsValidator>();
        return services;
    }
}
