using Grpc.Core;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>A certificate that has ended, on a connection that was opened before and on a new one.</summary>
public class ExpiryTests(EndedSession ended) : IClassFixture<EndedSession>
{
    [Fact(Explicit = true)]
    public async Task A_connection_ends_with_its_certificate_and_the_tolerance_for_clocks()
    {
        Assert.InRange(ended.EndedAfter, SvidProfile.ClockSkew, SvidProfile.ClockSkew + TimeSpan.FromSeconds(3));
        Assert.True(await Refusals.CountAsync(ended.Mesh, "Expired") >= 1);
    }

    [Fact(Explicit = true)]
    public async Task A_certificate_that_has_ended_opens_no_session()
    {
        var before = await Refusals.CountAsync(ended.Mesh, "Expired");
        using var proxy = new TestProxy(ended.Mesh.ProxyHostUrl, ended.Credential);

        await Assert.ThrowsAsync<RpcException>(() => proxy.Session.ResolveAsync(new ResolveRequest { Service = "web.shop:80" }, cancellationToken: TestContext.Current.CancellationToken).ResponseAsync);

        await Refusals.GrewAsync(ended.Mesh, "Expired", before);
    }
}

/// <summary>A proxy that never renews its certificate of five seconds, and waits until it is thrown out.</summary>
public sealed class EndedSession : IAsyncLifetime
{
    internal MeshUnderTest Mesh { get; private set; } = null!;

    internal SvidCredential Credential { get; private set; } = null!;

    /// <summary>How long after the certificate's end the connection has lasted.</summary>
    internal TimeSpan EndedAfter { get; private set; }

    public async ValueTask InitializeAsync()
    {
        Mesh = await MeshUnderTest.StartAsync("--Leaf:Lifetime=00:00:05");
        Credential = (await TestProxy.EnrollAsync(Mesh, "short-lived")).Credential;
        await using var connection = await RawHttp2.ConnectAsync(Mesh.ProxyHostUrl, Credential);
        await connection.SendAsync(connection.Call(1, RawCalls.Watch), RawHttp2.Message(1, []));
        await connection.EndedAsync(TimeSpan.FromSeconds(40));
        EndedAfter = TimeProvider.System.GetUtcNow() - Credential.Svid.NotAfter;
    }

    public async ValueTask DisposeAsync()
    {
        Credential?.Dispose();
        if (Mesh is not null)
        {
            await Mesh.DisposeAsync();
        }
    }
}
