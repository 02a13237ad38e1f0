using System.Security.Cryptography.X509Certificates;
using Mesh.Spiffe;

namespace Mesh.Cli.Admin;

/// <summary>Whether a server is a silo of the trust domain whose bundle the operator gave.</summary>
/// <remarks>
/// The anchors alone would not do: whoever holds a stolen workload issuer has a path to them. The bundle says which issuers are the
/// control plane's, and what is revoked.
/// </remarks>
internal static class SiloCheck
{
    public static bool IsSilo(X509Certificate? certificate, X509Chain? chain, TrustBundle bundle)
    {
        var verification = new SvidVerifier(TimeProvider.System).Verify(SvidTls.ChainOf(certificate, chain), bundle);
        return verification is { IsValid: true, Svid.Id.Role: IdentityRole.Silo };
    }
}
