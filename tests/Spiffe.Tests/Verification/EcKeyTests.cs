using System.Security.Cryptography;

namespace Mesh.Spiffe.Tests.Verification;

/// <summary>Keys on the accepted curves are imported, and no point that is not on its curve is.</summary>
public sealed class EcKeyTests
{
    private static readonly byte[] Data = [1, 2, 3];

    public static TheoryData<string, string> Curves => new() { { "nistP256", Oids.P256 }, { "nistP384", Oids.P384 }, { "nistP521", Oids.P521 } };

    [Theory]
    [MemberData(nameof(Curves))]
    public void A_point_of_each_curve_becomes_a_key_that_verifies_what_the_private_one_signed(string name, string oid)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromFriendlyName(name));
        var signature = key.SignData(Data, HashAlgorithmName.SHA256);

        using var imported = EcKeys.TryImport(oid, Point(key));

        Assert.Equal(OperatingSystem.IsLinux(), imported is not null);
        if (imported is not null)
        {
            Assert.True(imported.VerifyData(Data, signature, HashAlgorithmName.SHA256));
            Assert.False(imported.VerifyData("other"u8, signature, HashAlgorithmName.SHA256));
            Assert.Equal(key.ExportSubjectPublicKeyInfo(), imported.ExportSubjectPublicKeyInfo());
        }
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public void A_point_beside_its_curve_is_refused(string name, string oid)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromFriendlyName(name));
        var spki = key.ExportSubjectPublicKeyInfo();
        Assert.Equal(oid, PublicKeys.CurveOf(spki));
        spki[^1] ^= 1;

        Assert.Null(PublicKeys.ImportEcdsa(spki, out var weakness));
        Assert.StartsWith("the key can't be read: ", weakness, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("the point at infinity")]
    [InlineData("a compressed point")]
    [InlineData("a point of another curve")]
    [InlineData("a point that is too long")]
    [InlineData("a byte after the key")]
    [InlineData("nothing")]
    public void What_is_not_the_point_of_the_named_curve_in_whole_is_refused(string what)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var point = Point(key);

        var spki = what switch
        {
            "the point at infinity" => Info([0]),
            "a compressed point" => Info([(byte)(2 + (point[^1] & 1)), .. point.AsSpan(1, 32)]),
            "a point of another curve" => Info(Point(other)),
            "a point that is too long" => Info([.. point, 0]),
            "a byte after the key" => [.. Info(point), 0],
            _ => [],
        };

        Assert.Null(PublicKeys.ImportEcdsa(spki, out var weakness));
        Assert.NotNull(weakness);
    }

    [Fact]
    public void A_whole_key_is_imported()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        using var imported = PublicKeys.ImportEcdsa(Info(Point(key)), out var weakness);

        Assert.Null(weakness);
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), imported!.ExportSubjectPublicKeyInfo());
    }

    private static byte[] Point(ECDsa key)
    {
        var q = key.ExportParameters(includePrivateParameters: false).Q;
        return [4, .. q.X!, .. q.Y!];
    }

    private static byte[] Info(byte[] point)
    {
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.EcPublicKey);
                writer.WriteObjectIdentifier(Oids.P256);
            }

            writer.WriteBitString(point);
        }

        return writer.Encode();
    }
}
