namespace Mesh.Spiffe.Tests;

/// <summary>The bundles that the SPIFFE libraries test themselves with.</summary>
public sealed class SpiffeBundleVectorTests
{
    internal const string IdFile = Java + "spiffeid/spiffeIds.txt";

    private const string Go = "go-spiffe/bundle/";
    private const string Java = "java-spiffe/java-spiffe-core/src/test/resources/testdata/";
    private const string Py = "py-spiffe/testutils/src/testutils/jwks/";

    private static readonly TrustDomainName Domain = TrustDomainName.Parse("domain.test");

    [Theory]
    [InlineData(Go + "spiffebundle/testdata/spiffebundle_valid_1.json", 1, 0)]
    [InlineData(Go + "spiffebundle/testdata/spiffebundle_valid_2.json", 1, 1)]
    [InlineData(Go + "spiffebundle/testdata/spiffebundle_valid_with_wit.json", 1, 1)]
    [InlineData(Java + "workloadapi/bundle.json", 0, 0)]
    public void A_good_bundle_is_read(string file, int anchors, long sequence)
    {
        var bundle = TrustBundleJson.ReadSpiffe(Domain, Read(file));
        Assert.Equal(anchors, bundle.Anchors.Count);
        Assert.Equal(sequence, bundle.Sequence);
    }

    [Theory]
    [InlineData(Go + "spiffebundle/testdata/spiffebundle_no_keys.json")]
    [InlineData(Go + "spiffebundle/testdata/spiffebundle_multiple_x509.json")]
    [InlineData(Go + "spiffebundle/testdata/spiffebundle_missing_kid.json")]
    public void A_bad_bundle_is_refused(string file)
    {
        var bytes = Read(file);
        Assert.Throws<FormatException>(() => TrustBundleJson.ReadSpiffe(Domain, bytes));
    }

    /// <summary>Plain JWKS, whose keys have no use of SPIFFE's: passed over, all of them.</summary>
    [Theory]
    [InlineData(Go + "jwtbundle/testdata/jwks_valid_1.json")]
    [InlineData(Go + "jwtbundle/testdata/jwks_valid_2.json")]
    [InlineData(Go + "jwtbundle/testdata/jwks_missing_kid.json")]
    [InlineData("go-spiffe/exp/bundle/witbundle/testdata/jwks_valid_1.json")]
    [InlineData("go-spiffe/exp/bundle/witbundle/testdata/jwks_valid_2.json")]
    [InlineData("go-spiffe/exp/bundle/witbundle/testdata/jwks_missing_kid.json")]
    [InlineData(Java + "jwtbundle/jwks_invalid_keytype.json")]
    [InlineData(Java + "jwtbundle/jwks_valid_RSA_1.json")]
    [InlineData(Java + "jwtbundle/jwks_valid_RSA_EC.json")]
    [InlineData(Java + "jwtbundle/jwks_valid_EC_1.json")]
    [InlineData(Java + "jwtbundle/jwks_missing_kid.json")]
    [InlineData(Py + "jwks_3_keys.json")]
    [InlineData(Py + "jwks_1_ec_key.json")]
    [InlineData(Py + "jwks_ec_missing_x.json")]
    [InlineData(Py + "jwks_missing_kid.json")]
    public void Keys_without_a_use_are_passed_over(string file) =>
        Assert.Empty(TrustBundleJson.ReadSpiffe(Domain, Read(file)).Anchors);

    [Fact]
    public void The_IDs_of_the_Java_library_are_valid()
    {
        var lines = System.Text.Encoding.UTF8.GetString(Read(IdFile)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Equal(line, SpiffeId.Parse(line).ToString()));
    }

    private static byte[] Read(string file) => VectorFiles.Read(["spiffe-vectors", .. file.Split('/')]);
}
