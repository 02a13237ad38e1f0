using System.Security.Cryptography.X509Certificates;
using Mesh.Spiffe;

namespace Mesh.Cli.Admin;

/// <summary>Whether a server is a silo of the trust domain whose anchors the operator gave.</summary>
internal static class SiloCheck
{
    public static bool IsSilo(X509Certificate? certificate, X509Chain? chain, X509Certificate2Collection anchors)
    {
        var shown = SvidTls.ChainOf(certificate, chain);
        if (shown.Count < 2 || !TryRead(shown, out var svid))
        {
            return false;
        }

        var bundle = new TrustBundle
        {
            TrustDomain = svid.Id.TrustDomain,
            Sequence = 1,
            Epoch = 1,
            SignedAt = TimeProvider.System.GetUtcNow(),
            Anchors = [.. anchors.Select(anchor => TrustAnchor.FromCertificate(anchor.RawDataMemory, AnchorStage.Active))],
            // The anchors are all that an operator has; which of their issuers is the control plane's is not known here.
            ControlPlaneIssuers = [.. shown.Skip(1).Select(KeyHashOf)],
        };
        var verification = new SvidVerifier(TimeProvider.System).Verify(shown, bundle);
        return verification.IsValid && svid.Id.Role == IdentityRole.Silo;
    }

    private static bool TryRead(IReadOnlyList<ReadOnlyMemory<byte>> shown, out X509Svid svid)
    {
        try
        {
            svid = X509Svid.Parse(shown);
            return true;
        }
        catch (FormatException)
        {
            svid = null!;
            return false;
        }
    }

    private static KeyHash KeyHashOf(ReadOnlyMemory<byte> der)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
        return KeyHash.Of(certificate);
    }
}
