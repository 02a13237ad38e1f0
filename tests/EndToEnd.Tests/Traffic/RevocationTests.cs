using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Traffic;

/// <summary>Certificates here live a day: whoever has a new one within seconds has it because of the revocation.</summary>
public class RevocationTests
{
    [Theory]
    [InlineData("workload")]
    [InlineData("control-plane")]
    public async Task Revoking_an_issuer_has_every_holder_renew_at_once_and_traffic_goes_on(string purpose)
    {
        await using var mesh = await MeshUnderTest.StartAsync();
        await using var pair = await MeshedPair.StartAsync(mesh, "revoke");
        Assert.Equal("before", await PlainClient.TryEchoAsync(pair.Entrance, "before"));
        var old = (await mesh.TrustAsync()).Issuers.Single(issuer => issuer.Purpose == purpose).KeyHash;

        await mesh.RevokeIssuerAsync(old);

        if (purpose == "workload")
        {
            await pair.Server.Process.SaysAsync("Certified as", times: 2);
            await pair.Client.Process.SaysAsync("Certified as", times: 2);
        }
        else
        {
            await mesh.Silo.SaysAsync("The silo's certificate was renewed");
            await mesh.ProxyHost.SaysAsync("Certificate renewed");
        }

        await Eventually.UntilAsync(() => PlainClient.TryEchoAsync(pair.Entrance, "after"), answer => answer == "after", "traffic goes on");
        // The control plane still reaches the proxies, whoever's certificate was voided.
        await mesh.SetPolicyAsync(pair.Server.Id.ServiceAccount!, "deny");
        await pair.Server.Process.SaysAsync("Policy Deny");
        var trust = await mesh.TrustAsync();
        Assert.Equal(old, Assert.Single(trust.Revocations).KeyHash);
        Assert.NotEqual(old, trust.Issuers.Single(issuer => issuer.Purpose == purpose && issuer.Stage == "active").KeyHash);
    }
}
