namespace Mesh.Spiffe.Tests;

/// <summary>Every public vector that is not run, and why.</summary>
internal static class VectorsLeftOut
{
    private const string NoSuchOption = "The most certificates of a path are fixed here; there is no option to set to the case's depth.";
    private const string RootAki = "A rule of the CA/Browser Forum for roots of the web; RFC 5280 lets a self-signed root have any authority key identifier.";
    private const string WebEku = "A rule of the CA/Browser Forum. SPIFFE's own is stricter for leaves and tested in LeafRulesTests.";
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

    /// <summary>Files of the SPIFFE libraries: private keys and certificates of another purpose.</summary>
    public static IReadOnlyDictionary<string, string> Spiffe { get; } = new Dictionary<string, string>
    {
        ["*/key*.pem, */*.key.der, */keyEC.der, */corrupt-key.pem, */privateKeyRsa.pem, */*-key.*"] = "Private keys; the library reads none from files.",
        ["java-spiffe/**/certs/leaf-?.crt.der"] = "The authority that signed them is not among the vectors; their IDs (spiffe://test/a) are in SpiffeIdTests.",
        ["*/not-pem*, */empty.pem, py-spiffe/**/corrupted"] = "Not PEM; the library reads DER, and ParserPropertyTests feeds it noise.",
        ["*/x509bundle/**, py-spiffe/**/x509-bundle-certs/*"] = "Version 1 certificates with RSA keys of 768 bits, in PEM: no anchors in any format that the library reads.",
    };
}
