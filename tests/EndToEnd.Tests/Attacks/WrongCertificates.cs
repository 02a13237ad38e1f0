using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>Certificates that look like the mesh's, under authorities of the attacker's own.</summary>
internal static class WrongCertificates
{
    /// <summary>Valid now.</summary>
    /// <param name="before">The chain that is shown behind the leaf; null: its issuer.</param>
    public static SvidCredential Signed(TestTrustDomain domain, SpiffeId id, IReadOnlyList<ReadOnlyMemory<byte>>? before = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        var issuer = id.IsControlPlane ? domain.ControlPlaneIssuer : domain.WorkloadIssuer;
        var leaf = domain.Leaf(id, spec => (spec.NotBefore, spec.NotAfter) = (now.AddHours(-1), now.AddHours(1)), issuer);
        return SvidCredential.Create([leaf.Der, .. before ?? [issuer.Der]], leaf.Key);
    }
}
