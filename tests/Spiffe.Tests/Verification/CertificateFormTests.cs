using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe.Tests;

/// <summary>RFC 5280 §4.1, §4.2: the form of each certificate, and the strength of its key.</summary>
public sealed class CertificateFormTests
{
    private readonly TestTrustDomain _east = new("east.example");

    [Fact]
    public void Bytes_after_the_certificate_are_refused()
    {
        var leaf = _east.Leaf();
        Assert.Throws<FormatException>(() => CertificateParser.Parse(leaf.Der.Append((byte)0).ToArray()));
        Assert.Equal(leaf.KeyHash, CertificateParser.Parse(leaf.Der).KeyHash);
    }

    [Fact]
    public void A_certificate_over_16_KiB_is_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.Extra.Add(new X509Extension("1.2.3", new byte[16 * 1024], false))));

    [Fact]
    public void A_chain_of_more_than_eight_certificates_is_refused()
    {
        var eight = Enumerable.Repeat(_east.WorkloadIssuer, 7).Prepend(_east.Leaf()).ToArray();
        Verdict.Accepted(_east.Verify(eight));
        Verdict.Refused(SvidRejection.Malformed, _east.Verify([.. eight, _east.WorkloadIssuer]));
    }

    [Fact]
    public void A_serial_number_of_zero_below_zero_or_over_20_bytes_is_refused()
    {
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.Serial = [0]));
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.Serial = [0x80]));
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.Serial = [1, .. new byte[20]]));
        Verdict.Accepted(_east.VerifyWeb(spec => spec.Serial = [1, .. new byte[19]]));
    }

    [Fact]
    public void An_anchor_may_have_the_serial_number_zero()
    {
        var spec = TestTrustDomain.Authority("CN=anchor", null);
        spec.Serial = [0];
        Verdict.Accepted(new TestTrustDomain("east.example", TestCertificate.SelfSigned(spec)).VerifyWeb());
    }

    [Fact]
    public void Different_signature_algorithms_inside_and_outside_are_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.MismatchAlgorithms = true));

    [Fact]
    public void An_extension_that_is_there_twice_is_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec =>
            spec.Extra.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true))));

    [Fact]
    public void An_unknown_extension_is_refused_where_it_is_critical()
    {
        Verdict.Accepted(_east.VerifyWeb(spec => spec.Extra.Add(new X509Extension("1.2.3.4", [5, 0], critical: false))));
        Verdict.Refused(SvidRejection.UnknownCriticalExtension, _east.VerifyWeb(spec => spec.Extra.Add(new X509Extension("1.2.3.4", [5, 0], critical: true))));
    }

    [Fact]
    public void An_issuer_with_an_unknown_critical_extension_is_refused()
    {
        var issuer = _east.Issuer("CN=odd issuer", spec => spec.Extra.Add(new X509Extension("1.2.3.4", [5, 0], critical: true)));
        Verdict.Refused(SvidRejection.UnknownCriticalExtension, _east.Verify(_east.Leaf(issuer: issuer), issuer));
    }

    [Fact]
    public void A_version_2_certificate_is_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.EncodedVersion = 1));

    [Fact]
    public void A_version_1_certificate_has_no_extensions() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.EncodedVersion = null));

    [Fact]
    public void A_validity_that_ends_before_it_begins_is_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.NotAfter = spec.NotBefore.AddSeconds(-1)));

    [Fact]
    public void Times_before_2050_are_written_as_UTCTime() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.UseGeneralizedTime = true));

    [Fact]
    public void An_empty_issuer_name_is_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.IssuerName = new X500DistinguishedName("")));

    [Fact]
    public void Names_outside_ASCII_are_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.DnsNames.Add("wéb.shop")));

    [Fact]
    public void A_leaf_without_authority_key_identifier_is_refused() =>
        Verdict.Refused(SvidRejection.Malformed, _east.VerifyWeb(spec => spec.WithAuthorityKeyIdentifier = false));

    [Fact]
    public void Keys_on_other_curves_and_short_RSA_keys_are_refused()
    {
        Verdict.Refused(SvidRejection.WeakKey, _east.VerifyWeb(spec => spec.Key = RSA.Create(1024)));
        Verdict.Refused(SvidRejection.WeakKey, _east.VerifyWeb(spec => spec.Key = ECDsa.Create(ECCurve.NamedCurves.brainpoolP256r1)));
    }

    [Fact]
    public void RSA_keys_of_2048_bits_and_the_three_NIST_curves_are_accepted()
    {
        Verdict.Accepted(_east.VerifyWeb(spec => spec.Key = RSA.Create(2048)));
        Verdict.Accepted(_east.VerifyWeb(spec => spec.Key = ECDsa.Create(ECCurve.NamedCurves.nistP384)));
        Verdict.Accepted(_east.VerifyWeb(spec => spec.Key = ECDsa.Create(ECCurve.NamedCurves.nistP521)));
    }
}
