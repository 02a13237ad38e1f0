using Mesh.Proxy.Policy;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Policy;

public sealed class InboundAuthorizerTests
{
    private const string Nobody = "nobody";
    private const string Own = "spiffe://east.example/ns/shop/sa/web";
    private const string Foreign = "spiffe://west.example/ns/shop/sa/web";
    private const string Silo = "spiffe://east.example/mesh/silo/silo-0";
    private const string Undreamt = "spiffe://east.example/mesh/undreamt/of";

    [Theory]
    [InlineData(DefaultPolicy.AllUnauthenticated, new[] { Nobody, Own, Foreign })]
    [InlineData(DefaultPolicy.AllAuthenticated, new[] { Own, Foreign })]
    [InlineData(DefaultPolicy.ClusterAuthenticated, new[] { Own })]
    [InlineData(DefaultPolicy.Deny, new string[0])]
    [InlineData(DefaultPolicy.Unspecified, new string[0])]
    [InlineData((DefaultPolicy)5, new string[0])]
    [InlineData((DefaultPolicy)(-1), new string[0])]
    public void A_policy_admits_these_and_no_others(DefaultPolicy policy, string[] admitted)
    {
        string[] clients = [Nobody, Own, Foreign, Silo, Undreamt];

        Assert.Equal(admitted, clients.Where(client => Refusal(policy, client) is null));
    }

    [Fact]
    public void Every_mode_of_the_protocol_stands_in_the_table_above()
    {
        // A mode that is added is refused until someone has thought about it, and then belongs there.
        Assert.Equal(5, Enum.GetValues<DefaultPolicy>().Length);
    }

    [Fact]
    public void A_refusal_says_what_the_policy_wants() => Assert.Equal(
        [
            "the policy admits authenticated clients alone",
            "the policy admits authenticated clients alone",
            "the policy admits clients of this trust domain alone",
            "the policy admits nobody",
            "a control-plane identity may not call applications",
        ],
        [
            Refusal(DefaultPolicy.ClusterAuthenticated, Nobody), Refusal(DefaultPolicy.AllAuthenticated, Nobody),
            Refusal(DefaultPolicy.ClusterAuthenticated, Foreign), Refusal(DefaultPolicy.Deny, Own), Refusal(DefaultPolicy.AllUnauthenticated, Silo),
        ]);

    private static string? Refusal(DefaultPolicy policy, string client) => InboundAuthorizer.Refusal(
        policy, client == Nobody ? null : SpiffeId.Parse(client), TrustDomainName.Parse("east.example"));
}
