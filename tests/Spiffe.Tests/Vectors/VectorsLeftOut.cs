namespace Mesh.Spiffe.Tests;

/// <summary>Every public vector that is not run, and why.</summary>
internal static class VectorsLeftOut
{
    private const string NoSuchOption = "The most certificates of a path are fixed here; there is no option to set to the case's depth.";
    private const string RootAki = "A rule of the CA/Browser Forum for roots of the web; RFC 5280 lets a self-signed root have any authority key identifier.";
    private const string WebEku = "A rule of the CA/Browser Forum. SPIFFE's own is stricter for leaves and tested in LeafRulesTests.";
    private const string PrivateKey = "A private key; the library reads none from files.";
    private const string BrokenPem = "Broken PEM; the library reads DER, and ParserPropertyTests feeds it broken DER.";
    private const string HostName = "Compares a DNS name with a host name, which never identifies anyone here: the SPIFFE ID does.";

    public static IReadOnlyDictionary<string, string> Limbo { get; } = new Dictionary<string, string>
    {
        ["pathlen::max-chain-depth-0-exhausted"] = NoSuchOption,
        ["pathlen::max-chain-depth-1-exhausted"] = NoSuchOption,
        ["rfc5280::eku::ee-wrong-eku"] = "Asks for serverAuth alone; SPIFFE asks for both uses or none, in LeafRules, which the runner stays below. LeafRulesTests has it.",
        ["webpki::aki::root-with-aki-missing-keyidentifier"] = RootAki,
        ["webpki::aki::root-with-aki-authoritycertissuer"] = RootAki,
        ["webpki::aki::root-with-aki-authoritycertserialnumber"] = RootAki,
        ["webpki::aki::root-with-aki-all-fields"] = RootAki,
        ["webpki::aki::root-with-aki-ski-mismatch"] = RootAki,
        ["webpki::eku::ee-anyeku"] = WebEku,
        ["webpki::eku::ee-critical-eku"] = WebEku,
        ["webpki::eku::ee-without-eku"] = "Contradicts rfc5280::eku::ee-without-eku, which is run: SPIFFE makes the extension optional.",
        ["webpki::eku::root-has-eku"] = WebEku,
        ["webpki::nc::permitted-dns-match-noncritical"] = "Contradicts rfc5280::nc::permitted-dns-match-noncritical, which is run: name constraints are critical.",
        ["webpki::san::mismatch-domain-san"] = HostName,
        ["webpki::san::mismatch-subdomain-san"] = HostName,
        ["webpki::san::mismatch-subdomain-apex-san"] = HostName,
        ["webpki::san::mismatch-apex-subdomain-san"] = HostName,
        ["webpki::san::public-suffix-wildcard-san"] = HostName,
        ["webpki::san::wildcard-match-across-labels-san"] = HostName,
        ["webpki::san::no-san"] = "A web certificate without a host name. A leaf without a SPIFFE ID is refused in LeafRulesTests.",
        ["webpki::san::san-critical-with-nonempty-subject"] = "A rule of the CA/Browser Forum; X509-SVID §2 asks for critical where the subject is empty and forbids it nowhere.",
        ["webpki::malformed-aia"] = "The extension is not critical, and nobody here follows where it points.",
        ["webpki::ee-basicconstraints-ca"] = "RFC 5280 lets an authority stand at the end of a path; SPIFFE's LeafRules, which the runner stays below, refuse it. LeafRulesTests has it.",
    };

    /// <summary>Files of the SPIFFE libraries.</summary>
    public static IReadOnlyDictionary<string, string> Spiffe { get; } = new Dictionary<string, string>
    {
        ["go-spiffe/bundle/x509bundle/testdata/corrupted.pem"] = BrokenPem,
        ["go-spiffe/bundle/x509bundle/testdata/key.pem"] = PrivateKey,
        ["go-spiffe/svid/x509svid/testdata/corrupt-cert.pem"] = BrokenPem,
        ["go-spiffe/svid/x509svid/testdata/corrupt-key.pem"] = PrivateKey,
        ["go-spiffe/svid/x509svid/testdata/key-pkcs8-ecdsa.pem"] = PrivateKey,
        ["go-spiffe/svid/x509svid/testdata/key-pkcs8-rsa.pem"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/certs/leaf-a.key.der"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/certs/leaf-b.key.der"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/certs/leaf-c.key.der"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/certs/leaf-d.key.der"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/certs/leaf-e.key.der"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/internal/privateKeyRsa.pem"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/workloadapi/svid.key.der"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/x509bundle/corrupted.pem"] = BrokenPem,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/x509bundle/key.pem"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/x509svid/key-ecdsa-other.pem"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/x509svid/key-pkcs8-ecdsa.pem"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/x509svid/key-pkcs8-rsa.pem"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/x509svid/key-rsa-other.pem"] = PrivateKey,
        ["java-spiffe/java-spiffe-core/src/test/resources/testdata/x509svid/keyEC.der"] = PrivateKey,
        ["py-spiffe/testutils/src/testutils/x509-bundle-certs/key.pem"] = PrivateKey,
        ["py-spiffe/testutils/src/testutils/x509-certs/1-key.der"] = PrivateKey,
        ["py-spiffe/testutils/src/testutils/x509-certs/2-key.pem"] = PrivateKey,
        ["py-spiffe/testutils/src/testutils/x509-certs/3-key-pkcs8-rsa.pem"] = PrivateKey,
        ["py-spiffe/testutils/src/testutils/x509-certs/4-key.der"] = PrivateKey,
    };
}
