using Mesh.Grains.Attestation.JoinTokens;
using Mesh.Grains.Attestation.Oidc;
using Mesh.Grains.Attestation.Renewal;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Attestation;

/// <summary>Registers every kind of evidence that a signer takes.</summary>
internal static class AttestationExtensions
{
    public static void AddAttestation(this IServiceCollection services)
    {
        services.AddSingleton<NewInstances>();
        services.AddSingleton<OidcVerifier>();
        services.AddSingleton<IAttestor, JoinTokenAttestor>();
        services.AddSingleton<IAttestor, OidcAttestor>();
        services.AddSingleton<RenewalAttestor>();
        services.AddSingleton<IAttestor>(provider => provider.GetRequiredService<RenewalAttestor>());
    }
}
