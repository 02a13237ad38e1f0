using System.Security.Cryptography;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Tests.Support;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Identity;

/// <summary>What extends a trust lease, what does not, and what passes while it has ended.</summary>
public sealed class TrustLeaseTests : IAsyncDisposable
{
    private static readonly TimeSpan Length = TimeSpan.FromMinutes(5);

    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestApplication _application = TestApplication.Echo();
    private readonly TestBundles _bundles;
    private readonly TestProxy _proxy;

    public TrustLeaseTests()
    {
        _bundles = new TestBundles(_east);
        _proxy = new TestProxy(_east, _bundles, trustLease: Length).MakeReady(_east.Credential(), V1.DefaultPolicy.AllUnauthenticated);
    }

    private TrustLease Lease => _proxy.Identity.Lease;

    [Fact]
    public void It_counts_from_the_time_that_the_control_plane_has_signed()
    {
        Assert.Equal((false, TimeSpan.Zero), (Lease.Holds, Lease.Left));

        Lease.Extend(Confirmation(age: TimeSpan.FromMinutes(2)));

        Assert.Equal(TimeSpan.FromMinutes(3), Lease.Left);
        _proxy.Clock.Advance(TimeSpan.FromMinutes(3));
        Assert.False(Lease.Holds);
    }

    [Fact]
    public void A_replay_extends_nothing_however_often_it_comes()
    {
        var old = Confirmation();
        Lease.Extend(old);
        _proxy.Clock.Advance(TimeSpan.FromMinutes(4));
        Lease.Extend(Confirmation());

        Lease.Extend(old);
        Assert.Equal(Length, Lease.Left);
        _proxy.Clock.Advance(Length);
        Lease.Extend(old);

        Assert.False(Lease.Holds);
    }

    [Fact]
    public void Another_keys_word_and_that_about_another_bundle_are_refused()
    {
        using var another = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var held = _proxy.Identity.Bundles.Held!;
        var newer = _bundles.Sign(_east.Bundle with { Sequence = held.Bundle.Sequence + 1 });
        var other = _bundles.Sign(_east.Bundle with { SignedAt = TestTrustDomain.Now.AddSeconds(-1) });

        foreach (var (said, text) in new[]
        {
            ("is not signed with ES256 by the key that signed the bundle", BundleConfirmation.Of(held, _proxy.Clock.GetUtcNow()).Sign(another)),
            ($"is about the bundle of sequence {newer.Bundle.Sequence}", BundleConfirmation.Of(newer, _proxy.Clock.GetUtcNow()).Sign(_bundles.Key)),
            ("is about the bundle of sequence", BundleConfirmation.Of(other, _proxy.Clock.GetUtcNow()).Sign(_bundles.Key)),
            ("compare the clocks", Confirmation(age: TimeSpan.FromMinutes(-2))),
            ("is not signed", held.Jws.Length > BundleConfirmation.MaxChars ? Confirmation()[..^4] + "AAAA" : held.Jws),
        })
        {
            Assert.Contains(said, Assert.Throws<FormatException>(() => Lease.Extend(text)).Message, StringComparison.Ordinal);
        }

        Assert.False(Lease.Holds);
    }

    [Fact]
    public async Task Nothing_passes_before_the_first_word_nor_after_the_last_has_run_out()
    {
        var (inbound, outbound) = (_proxy.ListenInbound(_application.Address), _proxy.ListenOutbound((_application.Address, null)));
        await RefusedAsync(inbound, outbound, 1);

        Lease.Extend(Confirmation());
        foreach (var address in new[] { inbound, outbound })
        {
            using var client = TestApplication.Connect(address);
            await TestApplication.SendAsync(client, "hello"u8.ToArray());
            Assert.Equal(5, await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken));
        }

        _proxy.Clock.Advance(Length);
        await RefusedAsync(inbound, outbound, 2);
    }

    [Fact]
    public async Task Without_a_length_there_is_nothing_to_extend()
    {
        await using var plain = new TestProxy(_east, _bundles);

        Assert.Equal((true, null), (plain.Identity.Lease.Holds, plain.Identity.Lease.Left));
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _application.DisposeAsync();
    }

    private async Task RefusedAsync(System.Net.IPEndPoint inbound, System.Net.IPEndPoint outbound, int times)
    {
        Assert.False((await Reception.OfAsync(inbound)).EndedCleanly);
        Assert.False((await Reception.OfAsync(outbound)).EndedCleanly);
        Assert.Equal((times, times), (_proxy.Refused("inbound", "lease"), _proxy.Refused("outbound", "lease")));
    }

    private string Confirmation(TimeSpan age = default) =>
        BundleConfirmation.Of(_proxy.Identity.Bundles.Held!, _proxy.Clock.GetUtcNow() - age).Sign(_bundles.Key);
}
