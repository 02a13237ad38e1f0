using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Support;

/// <summary>What is wrong with a certificate that a peer shows.</summary>
public enum Imposture
{
    ExpiredLeaf,
    LeafOfTheFuture,
    ForeignAnchorUnderTheSameName,
    ForeignTrustDomain,
    SiloUnderTheWorkloadIssuer,
    WorkloadUnderTheControlPlaneIssuer,
    BannedIdentity,
    RevokedIssuer,
    RevokedLeaf,
    MissingIssuer,
}

/// <summary>A certificate that must be refused, the bundle under which it must be, and the word and the words that say why.</summary>
internal sealed record ImpostureCase(
    SvidCredential Credential, Func<TrustBundle, TrustBundle> Change, SvidRejection Reason, string Says)
{
    /// <param name="kind">What is wrong.</param>
    /// <param name="east">The trust domain of whoever judges.</param>
    /// <param name="id">Who the peer says it is, where that is not what is wrong.</param>
    public static ImpostureCase Of(Imposture kind, TestTrustDomain east, SpiffeId id)
    {
        var good = east.Leaf(id);
        return kind switch
        {
            Imposture.ExpiredLeaf => Shown(
                east, east.Leaf(id, spec => spec.NotAfter = TestTrustDomain.Now.AddMinutes(-1)), SvidRejection.Expired, "was valid until"),
            Imposture.LeafOfTheFuture => Shown(
                east, east.Leaf(id, spec => spec.NotBefore = TestTrustDomain.Now.AddMinutes(1)), SvidRejection.NotYetValid, "is valid from"),
            Imposture.ForeignAnchorUnderTheSameName => OfOther(
                new TestTrustDomain(east.Name.Name), id, SvidRejection.UnknownAuthority, "anchor"),
            Imposture.ForeignTrustDomain => OfOther(
                new TestTrustDomain("west.example"), SpiffeId.ForWorkload(TrustDomainName.Parse("west.example"), "shop", "web"),
                SvidRejection.ForeignTrustDomain, "west.example"),
            Imposture.SiloUnderTheWorkloadIssuer => Shown(
                east, east.Leaf(east.Silo, issuer: east.WorkloadIssuer), SvidRejection.IssuerPurpose, east.Silo.ToString()),
            Imposture.WorkloadUnderTheControlPlaneIssuer => Of(
                east.Leaf(id, issuer: east.ControlPlaneIssuer), east.ControlPlaneIssuer, SvidRejection.IssuerPurpose, id.ToString()),
            Imposture.BannedIdentity => Shown(east, good, SvidRejection.Banned, $"{id} is banned") with
            {
                Change = bundle => bundle with { Bans = [new IdentityBan(id, TestTrustDomain.Now)] },
            },
            Imposture.RevokedIssuer => Shown(east, good, SvidRejection.Revoked, "issuer stolen") with
            {
                Change = bundle => Revoke(bundle, east.WorkloadIssuer, "issuer stolen"),
            },
            Imposture.RevokedLeaf => Shown(east, good, SvidRejection.Revoked, "leaf stolen") with
            {
                Change = bundle => Revoke(bundle, good, "leaf stolen"),
            },
            Imposture.MissingIssuer => new ImpostureCase(
                SvidCredential.Create(TestTrustDomain.Der(good), good.Key), bundle => bundle, SvidRejection.UnknownAuthority, "anchor"),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
    }

    public static TrustBundle Revoke(TrustBundle bundle, TestCertificate certificate, string reason) => bundle with
    {
        Revocations = [new Revocation(certificate.KeyHash, TestTrustDomain.Now, TestTrustDomain.Now.AddDays(30), reason)],
    };

    private static ImpostureCase OfOther(TestTrustDomain domain, SpiffeId id, SvidRejection reason, string says) =>
        Of(domain.Leaf(id), domain.WorkloadIssuer, reason, says);

    private static ImpostureCase Shown(TestTrustDomain east, TestCertificate leaf, SvidRejection reason, string says) =>
        Of(leaf, east.WorkloadIssuer, reason, says);

    private static ImpostureCase Of(TestCertificate leaf, TestCertificate issuer, SvidRejection reason, string says) =>
        new(SvidCredential.Create(TestTrustDomain.Der(leaf, issuer), leaf.Key), bundle => bundle, reason, says);
}
