using Mesh.EndToEnd.Tests.Support;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>What a revocation does to a session that is open.</summary>
public class RevocationTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    [Fact(Explicit = true)]
    public async Task A_connection_ends_within_two_seconds_of_the_revocation_of_what_it_stands_on()
    {
        var mesh = running.Mesh;
        using var credential = (await TestProxy.EnrollAsync(mesh, "revoked")).Credential;
        await using var connection = await RawHttp2.ConnectAsync(mesh.ProxyHostUrl, credential);
        await connection.SendAsync(connection.Call(1, RawCalls.Watch), RawHttp2.Message(1, []));
        Assert.Null(await connection.EndedAsync(TimeSpan.FromSeconds(2)));
        var issuer = (await mesh.TrustAsync()).Issuers.First(authority => authority.Purpose == "workload" && authority.Stage == "active");

        await mesh.RevokeIssuerAsync(issuer.KeyHash);

        Assert.InRange(await EndedAsync(connection), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        await Refusals.GrewAsync(mesh, "Revoked", 0);
    }

    private static async Task<TimeSpan> EndedAsync(RawHttp2 connection) =>
        await connection.EndedAsync(TimeSpan.FromSeconds(10)) ?? TimeSpan.MaxValue;
}
