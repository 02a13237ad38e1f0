using Mesh.Grains.Attestation.Oidc;
using Mesh.Tests.Oidc;

namespace Mesh.Grains.Tests.Attestation;

public class AttestationOptionsTests
{
    [Fact]
    public void Every_mistake_is_named_with_its_key()
    {
        var options = new AttestationOptions
        {
            Oidc =
            {
                new OidcIssuerOptions(),
                new OidcIssuerOptions
                {
                    Issuer = "https://a", Audience = "mesh", JwksFile = "/nowhere/jwks.json", SubjectTemplate = "{namespace}", MaxLifetime = TimeSpan.FromDays(8),
                },
                new OidcIssuerOptions { Issuer = "https://a", Audience = new string('x', 513), JwksFile = "/dev/null" },
            },
        };

        string[] expected =
        [
            "Attestation:Oidc:0:Issuer is missing", "Attestation:Oidc:0:Audience is missing", "Attestation:Oidc:0:JwksFile is missing",
            "Attestation:Oidc:1:SubjectTemplate '{namespace}' does not hold", "Attestation:Oidc:1:MaxLifetime '8.00:00:00' is not a time",
            "Attestation:Oidc:1:JwksFile '/nowhere/jwks.json' cannot be used", "Attestation:Oidc:2:Audience has 513 characters",
            "Attestation:Oidc:2:JwksFile '/dev/null' cannot be used", "Attestation:Oidc:2:Issuer 'https://a' has an entry already",
        ];
        var mistakes = new AttestationOptionsValidator().Validate(null, options).Failures!.ToList();
        Assert.Equal(expected.Length, mistakes.Count);
        Assert.All(expected.Zip(mistakes), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public void An_issuer_whose_keys_can_be_read_is_taken()
    {
        using var issuer = new TestOidcIssuer();
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, issuer.Jwks);
            var options = new AttestationOptions { Oidc = { new OidcIssuerOptions { Issuer = "https://a", Audience = "mesh", JwksFile = file } } };

            Assert.True(new AttestationOptionsValidator().Validate(null, options).Succeeded);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
