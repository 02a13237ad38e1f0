namespace Mesh.Spiffe.Tests;

/// <summary>SPIFFE-ID §2, and the paths of the mesh.</summary>
public sealed class SpiffeIdTests
{
    private static readonly TrustDomainName East = TrustDomainName.Parse("east.example");

    public static TheoryData<string> Valid =>
    [
        "spiffe://test/a", "spiffe://east.example", "spiffe://east.example/a", "spiffe://east.example/A/b_c/d-e/f.g/0",
        "spiffe://east.example/...", "spiffe://east.example/.path", "spiffe://east.example/a..b",
        "spiffe://east.example/" + new string('a', 2048 - 22),
    ];

    [Theory]
    [MemberData(nameof(Valid))]
    public void A_valid_ID_is_kept_as_it_is(string text) => Assert.Equal(text, SpiffeId.Parse(text).ToString());

    public static TheoryData<string> Invalid =>
    [
        "", "spiffe:", "spiffe://", "spiffe:///a", "SPIFFE://east.example/a", "Spiffe://east.example", "https://east.example/a",
        "spiffe:/east.example/a", " spiffe://east.example/a", "spiffe://east.example/a ", "spiffe://east.example/",
        "spiffe://east.example/a/", "spiffe://east.example//a", "spiffe://east.example/a//b", "spiffe://east.example/.",
        "spiffe://east.example/..", "spiffe://east.example/a/./b", "spiffe://east.example/a/../b", "spiffe://east.example/%61",
        "spiffe://east.example/a?b", "spiffe://east.example/a#b", "spiffe://east.example?b", "spiffe://east.example#b",
        "spiffe://east.example:1/a", "spiffe://u@east.example/a", "spiffe://u:p@east.example/a", "spiffe://East.example/a",
        "spiffe://east.example/é", "spiffe://east.example/a:b", "spiffe://east.example/a\0", "spiffe://east.example/a\n",
        "spiffe://east.example/a\\b", "spiffe://east.example/a@b", "spiffe://east.example/a+b", "spiffe://[::1]/a",
        "spiffe://east.example/" + new string('a', 2049 - 22),
    ];

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Anything_else_is_refused_and_the_error_is_one_clean_line(string text)
    {
        var error = Assert.Throws<FormatException>(() => SpiffeId.Parse(text)).Message;
        Assert.DoesNotContain(error, character => character is < ' ' or > '~');
    }

    [Theory]
    [InlineData("/ns/shop/sa/web", IdentityRole.Workload, false)]
    [InlineData("/mesh/silo/silo-0", IdentityRole.Silo, true)]
    [InlineData("/mesh/proxyhost/host-0", IdentityRole.ProxyHost, true)]
    [InlineData("/mesh/other/x", IdentityRole.Other, true)]
    [InlineData("/mesh", IdentityRole.Other, true)]
    [InlineData("/mesh/silo/a/b", IdentityRole.Other, true)]
    [InlineData("/Mesh/silo/a", IdentityRole.Other, false)]
    [InlineData("/meshed/silo/a", IdentityRole.Other, false)]
    [InlineData("/ns/shop/sa", IdentityRole.Other, false)]
    [InlineData("/ns/shop/sa/web/x", IdentityRole.Other, false)]
    [InlineData("", IdentityRole.TrustDomain, false)]
    public void The_path_says_what_an_ID_stands_for(string path, IdentityRole role, bool controlPlane)
    {
        var id = SpiffeId.Parse("spiffe://east.example" + path);
        Assert.Equal((role, controlPlane, path), (id.Role, id.IsControlPlane, id.Path));
    }

    [Fact]
    public void IDs_are_made_from_their_parts()
    {
        var web = SpiffeId.ForWorkload(East, "shop", "web");
        Assert.Equal("spiffe://east.example/ns/shop/sa/web", web.ToString());
        Assert.Equal(("shop", "web"), (web.Namespace, web.ServiceAccount));
        Assert.Equal("spiffe://east.example/mesh/silo/silo-0", SpiffeId.ForSilo(East, "silo-0").ToString());
        Assert.Equal("spiffe://east.example/mesh/proxyhost/host-0", SpiffeId.ForProxyHost(East, "host-0").ToString());
        Assert.Equal(SpiffeId.Parse(web.ToString()), web);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("a%2f")]
    public void A_part_that_is_no_segment_is_refused(string part)
    {
        Assert.Throws<FormatException>(() => SpiffeId.ForWorkload(East, part, "web"));
        Assert.Throws<FormatException>(() => SpiffeId.ForWorkload(East, "shop", part));
        Assert.Throws<FormatException>(() => SpiffeId.ForSilo(East, part));
    }

    [Theory]
    [InlineData("/ns/shop/sa/web", "web.shop.east.example")]
    [InlineData("/ns/shop/sa/web.v2", "web.v2.shop.east.example")]
    [InlineData("/mesh/silo/silo-0", "silo-0.silo.mesh.east.example")]
    [InlineData("/mesh/proxyhost/host-0", "host-0.proxyhost.mesh.east.example")]
    public void The_DNS_name_is_read_from_the_path(string path, string expected) =>
        Assert.Equal(expected, SpiffeId.Parse("spiffe://east.example" + path).DnsName);

    [Theory]
    [InlineData("/ns/shop/sa/Web")]
    [InlineData("/ns/shop/sa/we_b")]
    [InlineData("/ns/shop/sa/-web")]
    [InlineData("/ns/shop/sa/web-")]
    [InlineData("/ns/shop/sa/.web")]
    [InlineData("/ns/sh.op/sa/web")]
    [InlineData("/ns/mesh/sa/x.silo")]
    [InlineData("/ns/shop/sa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("/other/path")]
    public void What_is_no_DNS_name_or_could_be_mistaken_is_hashed(string path) =>
        Assert.Matches("^h-[a-z2-7]{32}\\.east\\.example$", SpiffeId.Parse("spiffe://east.example" + path).DnsName);

    [Fact]
    public void A_hashed_name_is_known_and_stands_alone_under_a_trust_domain_that_is_no_DNS_name()
    {
        // printf %s spiffe://east.example/other | sha256sum, its first 160 bits in base32
        Assert.Equal("h-fucjjxoeejnxv5kyftk2kf6bye6bwoze.east.example", SpiffeId.Parse("spiffe://east.example/other").DnsName);
        Assert.Matches("^h-[a-z2-7]{32}$", SpiffeId.Parse("spiffe://a_b/ns/shop/sa/web").DnsName);
        Assert.Matches("^h-[a-z2-7]{32}$", SpiffeId.Parse($"spiffe://{string.Join('.', Enumerable.Repeat(new string('a', 63), 3))}.{new string('b', 50)}/ns/shop/sa/web-of-the-shop").DnsName);
    }
}
