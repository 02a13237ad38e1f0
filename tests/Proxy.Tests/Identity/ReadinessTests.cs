using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Identity;

/// <summary>Nothing passes before certificate, bundle and policy are there: all three, each way.</summary>
public sealed class ReadinessTests : IAsyncLifetime
{
    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestApplication _application = TestApplication.Echo();
    private readonly TestBundles _bundles;
    private readonly TestProxy _proxy;

    public ReadinessTests()
    {
        _bundles = new TestBundles(_east);
        _proxy = new TestProxy(_east, _bundles);
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, true, true)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    public async Task Nothing_passes_while_one_is_missing_not_even_what_needs_no_identity(bool certificate, bool bundle, bool policy)
    {
        Give(certificate, bundle, policy);
        Assert.False(_proxy.Identity.IsReady);

        Assert.False((await Reception.OfAsync(_proxy.ListenInbound(_application.Address))).EndedCleanly);
        Assert.False((await Reception.OfAsync(_proxy.ListenOutbound((_application.Address, null)))).EndedCleanly);

        Assert.Equal(0, _application.Accepted);
        Assert.Equal((1, 1), (_proxy.Refused("inbound", "not_ready"), _proxy.Refused("outbound", "not_ready")));
    }

    [Fact]
    public async Task Everything_passes_once_all_are_there()
    {
        var (way1, way2) = (_proxy.ListenInbound(_application.Address), _proxy.ListenOutbound((_application.Address, null)));
        Give(certificate: true, bundle: true, policy: true);
        Assert.True(_proxy.Identity.IsReady);

        foreach (var address in new[] { way1, way2 })
        {
            using var client = TestApplication.Connect(address);
            await TestApplication.SendAsync(client, "hello"u8.ToArray());
            Assert.Equal(5, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public void Whoever_waits_for_the_next_certificate_hears_of_it_once()
    {
        var first = _proxy.Identity.NextCredential;
        Assert.False(first.IsCompleted);

        _proxy.Identity.Use(_east.Credential());

        Assert.True(first.IsCompletedSuccessfully);
        Assert.False(_proxy.Identity.NextCredential.IsCompleted);
        Assert.Equal(1, _proxy.Identity.Refreshes);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _application.DisposeAsync();
    }

    private void Give(bool certificate, bool bundle, bool policy)
    {
        if (certificate)
        {
            _proxy.Identity.Use(_east.Credential());
        }

        if (bundle)
        {
            _proxy.Identity.Bundles.AcceptFirst(_bundles.Sign(_east.Bundle));
        }

        if (policy)
        {
            _proxy.Identity.Use(new WorkloadPolicy { Version = 1, DefaultPolicy = DefaultPolicy.AllUnauthenticated });
        }
    }
}
