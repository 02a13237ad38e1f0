namespace Mesh.Spiffe.Tests;

/// <summary>SPIFFE-ID §2.1.</summary>
public sealed class TrustDomainNameTests
{
    public static TheoryData<string> Valid => ["a", "east.mesh.example", "0", "a_b-c.d", "1.2.3.4", "..", "-", new string('a', 255)];

    [Theory]
    [MemberData(nameof(Valid))]
    public void A_valid_name_is_kept_as_it_is(string text)
    {
        var name = TrustDomainName.Parse(text);
        Assert.Equal(text, name.Name);
        Assert.Equal(text, name.ToString());
        Assert.Equal("spiffe://" + text, name.Id.ToString());
        Assert.Equal(IdentityRole.TrustDomain, name.Id.Role);
    }

    public static TheoryData<string> Invalid =>
        ["", "East.example", "a b", "a:443", "u@a", "a/b", "a%41", "é.example", "a\n", "a\0", "[::1]", "a?b", "a#b", new string('a', 256)];

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Anything_else_is_refused_and_the_error_is_one_clean_line(string text)
    {
        var error = Assert.Throws<FormatException>(() => TrustDomainName.Parse(text)).Message;
        Assert.DoesNotContain(error, character => character is < ' ' or > '~');
    }

    [Fact]
    public void Names_are_equal_by_their_text()
    {
        Assert.True(TrustDomainName.Parse("a.example") == TrustDomainName.Parse("a.example"));
        Assert.True(TrustDomainName.Parse("a.example") != TrustDomainName.Parse("b.example"));
        Assert.False(TrustDomainName.TryParse(null, out _, out var error));
        Assert.NotNull(error);
    }
}
