using Mesh.Grains.Attestation.Oidc;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Attestation;

public class SubjectTemplateTests
{
    private static readonly TrustDomainName East = TrustDomainName.Parse("east.example");

    [Theory]
    [InlineData("system:serviceaccount:shop:web", "/ns/shop/sa/web")]
    [InlineData("system:serviceaccount:shop:web.v2", "/ns/shop/sa/web.v2")]
    [InlineData("system:serviceaccount:a:b", "/ns/a/sa/b")]
    [InlineData("system:serviceaccount:shop:", null)]
    [InlineData("system:serviceaccount::web", null)]
    [InlineData("system:serviceaccount:shop", null)]
    [InlineData("system:serviceaccount:", null)]
    [InlineData("", null)]
    [InlineData("system:serviceaccount:sh.op:web", null)]
    [InlineData("system:serviceaccount:shop:web/../../mesh", null)]
    [InlineData("system:serviceaccount:shop:web ", null)]
    [InlineData("system:serviceaccount:shop:-web", null)]
    [InlineData("system:serviceaccount:shop:..", null)]
    [InlineData("system:serviceaccount:shop:web\n", null)]
    [InlineData("System:serviceaccount:shop:web", null)]
    [InlineData("xsystem:serviceaccount:shop:web", null)]
    public void A_subject_of_Kubernetes_is_one_identity_or_none(string subject, string? path) =>
        Assert.Equal(path, SubjectTemplate.Parse(SubjectTemplate.Kubernetes).Find(subject, East)?.Path);

    [Theory]
    [InlineData("repo:{service_account}@{namespace}:main", "repo:web@shop:main", "/ns/shop/sa/web")]
    [InlineData("repo:{service_account}@{namespace}:main", "repo:web@shop:dev", null)]
    [InlineData("{namespace}/{service_account}", "shop/web", "/ns/shop/sa/web")]
    [InlineData("{namespace}/{service_account}", "shop/web/x", null)]
    public void Other_issuers_have_other_forms(string template, string subject, string? path) =>
        Assert.Equal(path, SubjectTemplate.Parse(template).Find(subject, East)?.Path);

    [Theory]
    [InlineData("", "once each")]
    [InlineData("system:{namespace}", "once each")]
    [InlineData("{service_account}", "once each")]
    [InlineData("{namespace}:{namespace}:{service_account}", "once each")]
    [InlineData("{namespace}{service_account}", "two identities")]
    [InlineData("{namespace}-{service_account}", "two identities")]
    [InlineData("{namespace}.sa.{service_account}", "two identities")]
    public void A_template_that_could_be_read_in_two_ways_is_refused(string template, string word) =>
        Assert.Contains(word, SubjectTemplate.Problem(template), StringComparison.Ordinal);
}
