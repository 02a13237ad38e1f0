using Mesh.Proxy.Identity;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Identity;

public sealed class JwtSourceTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-jwt-test-");
    private readonly TestTrustDomain _east = new("east.example");

    private string JwtFile => Path.Combine(_folder.FullName, "jwt");

    private string BundleFile => Path.Combine(_folder.FullName, "bundle.json");

    [Fact]
    public void The_file_is_read_again_each_time()
    {
        var source = new JwtSource(JwtFile, _east.Web, [_east.Anchor.KeyHash], null);
        File.WriteAllText(JwtFile, "first\n");
        var first = source.Read();
        File.WriteAllText(JwtFile, "second");
        source.Refused();
        var second = source.Read();

        Assert.Equal(("first", "second"), (first.Request([1]).Jwt, second.Request([1]).Jwt));
        Assert.Equal(_east.Web, second.Id);
        Assert.Equal([_east.Anchor.KeyHash], second.Anchors);
        Assert.Empty(second.Addresses);
        Assert.DoesNotContain("second", second.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Anchors_come_from_the_bundle_file_as_it_is_now()
    {
        var source = new JwtSource(JwtFile, _east.Web, [], BundleFile);
        File.WriteAllText(JwtFile, "jwt");
        File.WriteAllBytes(BundleFile, TrustBundleJson.Write(_east.Bundle));

        Assert.Equal([_east.Anchor.KeyHash], source.Read().Anchors);

        File.WriteAllBytes(BundleFile, TrustBundleJson.Write(new TestTrustDomain("west.example").Bundle));
        Assert.Contains("is the trust bundle of west.example", Assert.Throws<FormatException>(source.Read).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_or_too_large_is_named()
    {
        var source = new JwtSource(JwtFile, _east.Web, [_east.Anchor.KeyHash], null);

        Assert.Contains(JwtFile, Assert.ThrowsAny<IOException>(source.Read).Message, StringComparison.Ordinal);
        File.WriteAllText(JwtFile, new string('x', OidcToken.MaxChars + 1));
        Assert.Contains(JwtFile, Assert.ThrowsAny<IOException>(source.Read).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
