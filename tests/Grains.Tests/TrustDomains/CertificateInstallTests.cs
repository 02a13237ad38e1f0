using System.Collections.ObjectModel;
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.TrustDomains;

/// <summary>Certificates that come from outside are judged: all are taken or none, and what is wrong is named.</summary>
public class CertificateInstallTests
{
    private const string Constraints = "2.5.29.30";

    public static TheoryData<string, string, string> Wrong => new()
    {
        { "workload", "leaf", "it is no authority" },
        { "workload", "pathlen 1", "its path length is not 0" },
        { "workload", "no pathlen", "its path length is not 0" },
        { "workload", "no keyCertSign", "it may not sign certificates" },
        { "workload", "usage not critical", "it may not sign certificates" },
        { "workload", "no constraints", "it has no critical name constraints" },
        { "control-plane", "constraints not critical", "it has no critical name constraints" },
        { "control-plane", "URI alone", "its name constraints for DNS names are not exactly east.mesh.example" },
        { "workload", "DNS alone", "its name constraints for URIs are not exactly east.mesh.example" },
        { "workload", "another too", "its name constraints for URIs are not exactly east.mesh.example" },
        { "workload", "no identifier", "it has no subject key identifier" },
        { "workload", "no issuer identifier", "it has no authority key identifier" },
        { "workload", "foreign name", "west.mesh.example" },
        { "workload", "unknown critical extension", "which this verifier doesn't know" },
        { "workload", "short", "before a leaf would that is signed now" },
        { "workload", "long", "an issuer lives for 366 at the most" },
        { "control-plane", "beyond its anchor", "after its anchor, which ends at" },
        { "workload", "not yet", "it begins at" },
        { "workload", "another anchor", "None of the bundle's 1 anchors issued the certificate" },
        { "workload", "another's key", "The signature of the certificate" },
        { "workload", "another key", "is for a key that awaits none" },
        { "bundle", "authority", "The bundle key's certificate is an authority's" },
        { "bundle", "foreign name", "must have spiffe://east.mesh.example as its one URI name" },
        { "bundle", "another anchor", "No accepted anchor certifies the key" },
        { "bundle", "short", "before a leaf would that is signed now" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_certificate_that_is_wrong_is_refused_by_name_and_the_good_ones_beside_it_are_not_taken(string purpose, string wrong, string says)
    {
        await using var offline = await OfflineMesh.CreateAsync();
        var waiting = await offline.LoadAsync();
        var requests = OfflineMesh.Report(waiting, offline.Now).Requests;
        ReadOnlyMemory<byte>[] certificates = [.. requests.Select(request => request.Purpose == purpose
            ? SignWrongly(offline, request, wrong)
            : offline.Anchor.Sign(request, offline.Now))];

        var refusal = await Assert.ThrowsAsync<MeshException>(() => offline.InstallFirstAsync(certificates));

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(waiting.Sequence, (await offline.ReadAsync()).Sequence);
        Assert.Empty((await offline.ReadAsync()).Issuers);
    }

    [Fact]
    public async Task Every_reason_is_named_at_once()
    {
        await using var offline = await OfflineMesh.CreateAsync();
        var requests = OfflineMesh.Report(await offline.LoadAsync(), offline.Now).Requests;

        var refusal = await Assert.ThrowsAsync<MeshException>(() => offline.InstallFirstAsync(
            [.. requests.Where(request => request.Purpose != "bundle").Select(request => SignWrongly(offline, request, "no constraints")), "noise"u8.ToArray()]));

        foreach (var said in new[] { "for the workload key is refused", "for the control-plane key is refused", "Certificate 3 can't be read." })
        {
            Assert.Contains(said, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Installing_once_more_changes_nothing()
    {
        await using var offline = await OfflineMesh.CreateAsync();
        var certificates = OfflineMesh.Sign(offline.Anchor, await offline.LoadAsync(), offline.Now);
        var first = await offline.InstallFirstAsync(certificates);

        Assert.Equal(first.Sequence, (await offline.InstallFirstAsync(certificates)).Sequence);
        Assert.Equal(first.Sequence, (await offline.Trust.InstallCertificatesAsync([.. certificates, offline.Anchor.Certificate])).Sequence);
    }

    private static ReadOnlyMemory<byte> SignWrongly(OfflineMesh offline, AuthorityRequestStatus request, string wrong)
    {
        using var other = new OfflineCa(offline.Now, wrong == "another's key" ? "anchor in a safe" : "another anchor");
        return wrong switch
        {
            "short" => offline.Anchor.Sign(request, offline.Now, days: 0.5),
            "long" => offline.Anchor.Sign(request, offline.Now, days: 400),
            "beyond its anchor" => offline.Anchor.Sign(request, offline.Now, days: 3651),
            "not yet" => offline.Anchor.Sign(request, offline.Now + TimeSpan.FromHours(1)),
            "another anchor" or "another's key" => other.Sign(request, offline.Now, change: extensions =>
            {
                if (wrong == "another's key")
                {
                    // As the true anchor's, so that the signature alone tells.
                    using var anchor = X509CertificateLoader.LoadCertificate(offline.Anchor.Certificate.Span);
                    extensions.RemoveAt(extensions.Count - 1);
                    extensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(anchor, true, false));
                }
            }),
            "another key" => other.Certificate,
            _ => offline.Anchor.Sign(request, offline.Now, change: extensions => Change(extensions, wrong)),
        };
    }

    private static void Change(Collection<X509Extension> extensions, string wrong)
    {
        switch (wrong)
        {
            case "leaf":
                Replace(extensions, new X509BasicConstraintsExtension(false, false, 0, critical: true));
                break;
            case "authority":
                Replace(extensions, new X509BasicConstraintsExtension(true, true, 0, critical: true));
                break;
            case "pathlen 1":
                Replace(extensions, new X509BasicConstraintsExtension(true, true, 1, critical: true));
                break;
            case "no pathlen":
                Replace(extensions, new X509BasicConstraintsExtension(true, false, 0, critical: true));
                break;
            case "no keyCertSign":
                Replace(extensions, new X509KeyUsageExtension(X509KeyUsageFlags.CrlSign, critical: true));
                break;
            case "usage not critical":
                Replace(extensions, new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: false));
                break;
            case "no constraints":
                Remove(extensions, Constraints);
                break;
            case "constraints not critical":
                extensions.Single(extension => extension.Oid!.Value == Constraints).Critical = false;
                break;
            case "URI alone":
                Replace(extensions, Permitted("U:east.mesh.example"));
                break;
            case "DNS alone":
                Replace(extensions, Permitted("D:east.mesh.example"));
                break;
            case "another too":
                Replace(extensions, Permitted("U:east.mesh.example", "U:west.mesh.example", "D:east.mesh.example"));
                break;
            case "no identifier":
                Remove(extensions, "2.5.29.14");
                break;
            case "no issuer identifier":
                Remove(extensions, "2.5.29.35");
                break;
            case "foreign name":
                Replace(extensions, SvidAlternativeName.Create(TrustDomainName.Parse("west.mesh.example").Id));
                break;
            case "unknown critical extension":
                extensions.Add(new X509Extension("1.3.6.1.4.1.99999.1", [0x05, 0x00], critical: true));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(wrong), wrong, null);
        }
    }

    private static void Replace(Collection<X509Extension> extensions, X509Extension extension)
    {
        Remove(extensions, extension.Oid!.Value!);
        extensions.Add(extension);
    }

    private static void Remove(Collection<X509Extension> extensions, string oid) =>
        extensions.Remove(extensions.Single(extension => extension.Oid!.Value == oid));

    // RFC 5280 §4.2.1.10: U for a URI's host, D for a DNS name.
    private static X509Extension Permitted(params IEnumerable<string> names)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
        {
            foreach (var name in names)
            {
                using (writer.PushSequence())
                {
                    writer.WriteCharacterString(UniversalTagNumber.IA5String, name[2..], new Asn1Tag(TagClass.ContextSpecific, name[0] == 'U' ? 6 : 2));
                }
            }
        }

        return new X509Extension(Constraints, writer.Encode(), critical: true);
    }
}
