using System.Security.Authentication;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Tests.Inbound;

/// <summary>Who must not come in does not: with a line that says why, a count, and not a word to the application.</summary>
public sealed class InboundRefusalTests : IAsyncLifetime
{
    private readonly ProxyPair _pair = new(DefaultPolicy.AllUnauthenticated);
    private readonly TestApplication _application = TestApplication.Echo();

    public static TheoryData<Imposture> Impostures => [.. Enum.GetValues<Imposture>()];

    [Fact]
    public async Task A_good_certificate_comes_in()
    {
        var address = _pair.Voting.ListenInbound(_application.Address);

        Assert.Equal("hello"u8.ToArray(), await RawPeer.CallAsync(address, RawPeer.ClientOptions(_pair.East.Credential(_pair.East.Web), Sni)));
        Assert.Equal("true", _pair.Voting.Edge.Key.Tls);
    }

    [Theory]
    [MemberData(nameof(Impostures))]
    public async Task A_bad_certificate_is_refused_by_its_own_reason(Imposture kind)
    {
        var imposture = ImpostureCase.Of(kind, _pair.East, _pair.East.Web);
        _pair.Voting.Publish(imposture.Change);
        var address = _pair.Voting.ListenInbound(_application.Address);

        Assert.Null(await RawPeer.CallAsync(address, RawPeer.ClientOptions(imposture.Credential, Sni)));

        await AssertRefusedAsync(imposture.Reason.ToString(), imposture.Says);
    }

    [Fact]
    public async Task A_client_without_a_certificate_is_refused()
    {
        var address = _pair.Voting.ListenInbound(_application.Address);

        Assert.Null(await RawPeer.CallAsync(address, RawPeer.ClientOptions(null, Sni)));

        await AssertRefusedAsync(nameof(SvidRejection.EmptyChain), "showed no certificate");
    }

    [Fact]
    public async Task A_control_plane_identity_has_no_business_with_applications()
    {
        var address = _pair.Voting.ListenInbound(_application.Address);

        Assert.Null(await RawPeer.CallAsync(address, RawPeer.ClientOptions(_pair.East.Credential(_pair.East.Silo), Sni)));

        await AssertRefusedAsync("policy", "a control-plane identity may not call applications");
    }

    [Fact]
    public async Task TLS_1_2_is_refused()
    {
        var address = _pair.Voting.ListenInbound(_application.Address);
        var options = RawPeer.ClientOptions(_pair.East.Credential(_pair.East.Web), Sni);
        options.EnabledSslProtocols = SslProtocols.Tls12;

        Assert.Null(await RawPeer.CallAsync(address, options));

        await AssertRefusedAsync("handshake", "");
    }

    [Fact]
    public async Task A_client_that_ends_the_connection_instead_of_the_handshake_is_a_failed_handshake()
    {
        using var client = TestApplication.Connect(_pair.Voting.ListenInbound(_application.Address));
        await TestApplication.SendAsync(client, await ClientHellos.ForMeshAsync(Sni));

        await TestApplication.SendAsync(client, ClientHellos.CloseNotify);

        await AssertRefusedAsync("handshake", "in the middle of the handshake");
    }

    [Fact]
    public async Task A_refused_proxy_gives_its_application_an_error_and_no_clean_end()
    {
        _pair.Voting.Publish(bundle => bundle with { Bans = [new IdentityBan(_pair.East.Web, Spiffe.Tests.TestTrustDomain.Now)] });

        Assert.False((await Reception.OfAsync(_pair.Connect(_application.Address))).EndedCleanly);

        await AssertRefusedAsync(nameof(SvidRejection.Banned), "is banned");
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _pair.DisposeAsync();
        await _application.DisposeAsync();
    }

    private string Sni => _pair.VotingId.DnsName;

    private async Task AssertRefusedAsync(string reason, string says)
    {
        await _pair.Voting.Log.SaysAsync(5701, $": {reason}: ", says);
        await Eventually.EqualAsync(0, () => _pair.Voting.Open);
        Assert.Equal(1, _pair.Voting.Refused("inbound", reason));
        Assert.Equal((0, 1), (_pair.Voting.Edge.Now.Opened, _pair.Voting.Edge.Now.Refused));
        Assert.Equal(0, _application.Accepted);
    }
}
