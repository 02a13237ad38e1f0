using Microsoft.Extensions.Time.Testing;

namespace Mesh.Spiffe.Tests;

/// <summary>The X.509-SVIDs that the SPIFFE libraries test themselves with.</summary>
public sealed class SpiffeSvidVectorTests
{
    private const string Go = "go-spiffe/svid/x509svid/testdata/";
    private const string Java = "java-spiffe/java-spiffe-core/src/test/resources/testdata/";
    private const string PyBundles = "py-spiffe/testutils/src/testutils/x509-bundle-certs/";
    private const string Py = "py-spiffe/testutils/src/testutils/x509-certs/";

    /// <summary>A good one passes every rule for leaves and then lacks an authority: nobody trusts theirs.</summary>
    [Theory]
    [InlineData(Go + "good-leaf-only.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Go + "good-cert-and-key.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Go + "good-key-and-cert.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Go + "good-leaf-and-intermediate.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Go + "wrong-leaf-ca-true.pem", SvidRejection.NotALeaf)]
    [InlineData(Go + "wrong-leaf-cert-sign.pem", SvidRejection.KeyUsage)]
    [InlineData(Go + "wrong-leaf-crl-sign.pem", SvidRejection.KeyUsage)]
    [InlineData(Go + "wrong-leaf-no-digital-signature.pem", SvidRejection.KeyUsage)]
    [InlineData(Go + "wrong-leaf-empty-id.pem", SvidRejection.InvalidSpiffeId)]
    [InlineData(Go + "wrong-intermediate-no-ca.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Go + "wrong-intermediate-no-key-cert-sign.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "x509svid/good-leaf-only.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "x509svid/good-leaf-and-intermediate.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "x509svid/cert.der", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "x509svid/wrong-leaf-ca-true.pem", SvidRejection.NotALeaf)]
    [InlineData(Java + "x509svid/wrong-leaf-cert-sign.pem", SvidRejection.KeyUsage)]
    [InlineData(Java + "x509svid/wrong-leaf-crl-sign.pem", SvidRejection.KeyUsage)]
    [InlineData(Java + "x509svid/wrong-leaf-no-digital-signature.pem", SvidRejection.KeyUsage)]
    [InlineData(Java + "x509svid/wrong-leaf-empty-id.pem", SvidRejection.InvalidSpiffeId)]
    [InlineData(Java + "x509svid/wrong-intermediate-no-ca.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "x509svid/wrong-intermediate-no-key-cert-sign.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "workloadapi/svid.der", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "certs/leaf-a.crt.der", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "certs/leaf-b.crt.der", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "certs/leaf-c.crt.der", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "certs/leaf-d.crt.der", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "certs/leaf-e.crt.der", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "internal/cert.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Java + "internal/cert2.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Py + "3-good-leaf-only.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Py + "1-chain.der", SvidRejection.UnknownAuthority)]
    [InlineData(Py + "2-chain.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Py + "4-cert.der", SvidRejection.UnknownAuthority)]
    [InlineData(Py + "wrong-leaf-ca-true.pem", SvidRejection.NotALeaf)]
    [InlineData(Py + "wrong-leaf-cert-sign.pem", SvidRejection.KeyUsage)]
    [InlineData(Py + "wrong-leaf-crl-sign.pem", SvidRejection.KeyUsage)]
    [InlineData(Py + "wrong-leaf-no-digital-signature.pem", SvidRejection.KeyUsage)]
    [InlineData(Py + "wrong-empty-spiffe-id.pem", SvidRejection.InvalidSpiffeId)]
    [InlineData(Py + "wrong-intermediate-no-ca.pem", SvidRejection.UnknownAuthority)]
    [InlineData(Py + "wrong-intermediate-no-key-cert-sign.pem", SvidRejection.UnknownAuthority)]
    public void A_leaf_of_a_SPIFFE_library_is_judged_by_its_rules(string file, SvidRejection expected)
    {
        var chain = Read(file);
        Verdict.Refused(expected, Verify(chain, []));
    }

    /// <summary>Where the vectors hold the authority too, the whole path is judged.</summary>
    [Theory]
    [InlineData(Go + "good-leaf-and-intermediate.pem", SvidRejection.None)]
    [InlineData(Java + "x509svid/good-leaf-and-intermediate.pem", SvidRejection.None)]
    [InlineData(Py + "1-chain.der", SvidRejection.None)]
    [InlineData(Py + "2-chain.pem", SvidRejection.None)]
    public void A_leaf_is_accepted_under_the_issuer_that_comes_with_it(string file, SvidRejection expected)
    {
        var chain = Read(file);
        var verification = Verify([chain[0]], [.. chain.Skip(1)]);
        Assert.True(expected == verification.Rejection, $"{verification.Rejection}: {verification.Detail}");
    }

    /// <summary>Anchors are read whatever they are; a serial number of zero or a short key is for verification to judge.</summary>
    [Theory]
    [InlineData(Java + "workloadapi/bundle.der", 1)]
    [InlineData(Java + "workloadapi/federated-bundle.pem", 1)]
    [InlineData(Java + "internal/bundle.pem", 1)]
    [InlineData(Java + "x509bundle/cert.pem", 1)]
    [InlineData(Java + "x509bundle/certs.pem", 2)]
    [InlineData(Java + "x509bundle/empty.pem", 0)]
    [InlineData(Java + "x509bundle/not-pem.pem", 0)]
    [InlineData("go-spiffe/bundle/x509bundle/testdata/cert.pem", 1)]
    [InlineData("go-spiffe/bundle/x509bundle/testdata/certs.pem", 2)]
    [InlineData("go-spiffe/bundle/x509bundle/testdata/empty.pem", 0)]
    [InlineData("go-spiffe/bundle/x509bundle/testdata/not-pem.pem", 0)]
    [InlineData(PyBundles + "cert.der", 1)]
    [InlineData(PyBundles + "cert.pem", 1)]
    [InlineData(PyBundles + "certs.der", 2)]
    [InlineData(PyBundles + "certs.pem", 2)]
    [InlineData(PyBundles + "empty.pem", 0)]
    [InlineData(PyBundles + "federated_bundle.der", 1)]
    public void Anchors_are_read(string file, int count) =>
        Assert.Equal(count, Read(file).Select(der => TrustAnchor.FromCertificate(der, AnchorStage.Active)).Count());

    /// <summary>What is no certificate is refused as such.</summary>
    [Theory]
    [InlineData(Java + "x509svid/corrupted")]
    [InlineData(Java + "workloadapi/corrupted")]
    [InlineData(Py + "corrupted")]
    [InlineData(PyBundles + "corrupted")]
    [InlineData(PyBundles + "not-pem")]
    [InlineData(Go + "not-pem")]
    public void Noise_is_no_certificate(string file)
    {
        var bytes = VectorFiles.Read(["spiffe-vectors", .. file.Split('/')]);
        Assert.Throws<FormatException>(() => X509Svid.Parse([bytes]));
    }

    private static IReadOnlyList<ReadOnlyMemory<byte>> Read(string file) => VectorFiles.Certificates(["spiffe-vectors", .. file.Split('/')]);

    private static SvidVerification Verify(IReadOnlyList<ReadOnlyMemory<byte>> chain, IReadOnlyList<ReadOnlyMemory<byte>> anchors)
    {
        var leaf = CertificateParser.Parse(chain[0]);
        var id = LeafIdentity.Read(leaf, out var read) is null ? read! : SpiffeId.Parse("spiffe://example.org/nobody");
        var bundle = new TrustBundle
        {
            TrustDomain = id.TrustDomain,
            Sequence = 1,
            Epoch = 1,
            SignedAt = leaf.NotBefore,
            Anchors = [.. anchors.Select(der => TrustAnchor.FromCertificate(der, AnchorStage.Active))],
        };
        return new SvidVerifier(new FakeTimeProvider(leaf.NotBefore.AddMinutes(10))).Verify(chain, bundle);
    }
}
