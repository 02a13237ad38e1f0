using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.TrustDomains;

/// <summary>The first start with an anchor that was made elsewhere.</summary>
public class GivenAnchorTests
{
    [Fact]
    public async Task Without_its_key_nothing_is_served_until_issuers_and_bundle_key_are_certified()
    {
        await using var offline = await OfflineMesh.CreateAsync();

        var waiting = await offline.LoadAsync();

        Assert.False(waiting.CanServe(offline.Now));
        Assert.Empty(waiting.Issuers);
        Assert.Equal("", waiting.SignedBundle);
        Assert.Equal(offline.Anchor.KeyHash, Assert.Single(waiting.Anchors).KeyHash);
        Assert.Equal(["bundle", "control-plane", "workload"], OfflineMesh.Report(waiting, offline.Now).Requests.Select(request => request.Purpose).Order());

        var certificates = OfflineMesh.Sign(offline.Anchor, waiting, offline.Now);
        Assert.False((await offline.InstallFirstAsync(certificates[0])).CanServe(offline.Now));
        // A silo that starts again meanwhile goes on waiting for the same keys.
        Assert.Superset(waiting.Requests.Skip(1).Select(request => request.KeyHash).ToHashSet(), (await offline.LoadAsync()).Requests.Select(request => request.KeyHash).ToHashSet());
        Assert.True((await offline.InstallFirstAsync([.. certificates[1..], offline.Anchor.Certificate])).CanServe(offline.Now));

        var issued = await new TestWorkload(offline.Mesh, "web").EnrollAsync();
        var bundle = await offline.Mesh.BundleAsync();
        Assert.True(new SvidVerifier(offline.Mesh.Clock).Verify(issued.Chain, bundle).IsValid);
        SignedBundle.Parse((await offline.Trust.GetBundleAsync()).SignedBundle).VerifyFirstContact(MeshCluster.TrustDomain, [offline.Anchor.KeyHash], offline.Now);
    }

    [Fact]
    public async Task With_its_key_it_is_served_at_once_and_the_key_is_sealed_under_its_hash()
    {
        await using var offline = await OfflineMesh.CreateAsync(withKey: true);

        var state = await offline.LoadAsync();

        Assert.True(state.CanServe(offline.Now));
        Assert.Equal(offline.Anchor.KeyHash, state.ActiveAnchor.KeyHash);
        Assert.NotNull(state.Anchor(AnchorStage.Standby));
        using var held = await offline.Mesh.Stores.Keys.LoadAsync(offline.Anchor.KeyHash, Keys.KeyUse.Anchor, CancellationToken.None);
        Assert.NotNull(held);
        // It is an anchor like one of its own making: a rotation needs no keeper.
        await offline.Trust.RotateIssuerAsync("workload");
        await new TestWorkload(offline.Mesh, "web").EnrollAsync();
    }

    [Fact]
    public async Task Sixteen_that_start_at_once_ask_for_one_set_of_certificates()
    {
        await using var offline = await OfflineMesh.CreateAsync();

        var states = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(offline.LoadAsync)));

        Assert.Single(states.Select(state => string.Join(' ', state.Requests.Select(request => request.KeyHash))).Distinct());
    }

    public static TheoryData<string, string> WrongAnchors => new()
    {
        { "leaf", "it is no authority (basicConstraints" },
        { "pathlen", "its path length is 0" },
        { "usage", "it may not sign certificates" },
        { "identifier", "it has no subject key identifier" },
        { "foreign", "its URI names are 'spiffe://west.mesh.example'; it may have spiffe://east.mesh.example or none" },
        { "short", "before an issuer would that is made now (Issuer:Lifetime)" },
        { "curve", "its key is not ECDSA on P-384 or P-256" },
    };

    [Theory]
    [MemberData(nameof(WrongAnchors))]
    public async Task What_cannot_be_an_anchor_is_named_with_its_file(string wrong, string says)
    {
        await using var offline = await OfflineMesh.CreateAsync(now => new OfflineCa(
            now,
            days: wrong == "short" ? 20 : 3650,
            curve: wrong == "curve" ? ECCurve.NamedCurves.nistP521 : null,
            change: extensions =>
            {
                switch (wrong)
                {
                    case "leaf":
                        extensions[0] = new X509BasicConstraintsExtension(false, false, 0, critical: true);
                        break;
                    case "pathlen":
                        extensions[0] = new X509BasicConstraintsExtension(true, true, 0, critical: true);
                        break;
                    case "usage":
                        extensions[1] = new X509KeyUsageExtension(X509KeyUsageFlags.CrlSign, critical: true);
                        break;
                    case "identifier":
                        extensions.RemoveAt(2);
                        break;
                    case "foreign":
                        extensions.Add(SvidAlternativeName.Create(TrustDomainName.Parse("west.mesh.example").Id));
                        break;
                }
            }));

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(offline.LoadAsync);

        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("Anchor:CertificateFile /", refusal.Message, StringComparison.Ordinal);
        // Nothing was created: the next start, with another file, is a first start.
        Assert.Equal("", (await offline.ReadAsync()).Name);
    }

    [Fact]
    public async Task A_key_that_is_not_the_certificates_is_refused()
    {
        await using var offline = await OfflineMesh.CreateAsync(withKey: true, otherKey: true);

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(offline.LoadAsync);

        Assert.Contains("holds another key", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_downtime_beyond_its_issuers_life_it_waits_for_new_ones_and_comes_back()
    {
        await using var offline = await OfflineMesh.StartAsync();
        var web = new TestWorkload(offline.Mesh, "web");
        await web.EnrollAsync();
        offline.Mesh.Clock.AdjustTime(offline.Now + TimeSpan.FromDays(100));

        var waiting = await offline.LoadAsync();
        Assert.False(waiting.CanServe(offline.Now));
        var back = await offline.InstallFirstAsync(OfflineMesh.Sign(offline.Anchor, waiting, offline.Now));

        Assert.True(back.CanServe(offline.Now));
        Assert.True(back.Sequence > waiting.Sequence);
        SignedBundle.Parse(back.SignedBundle).VerifyFirstContact(MeshCluster.TrustDomain, [offline.Anchor.KeyHash], offline.Now);
    }

    [Fact]
    public async Task Nothing_can_be_asked_of_the_grain_before()
    {
        await using var offline = await OfflineMesh.CreateAsync();
        await offline.LoadAsync();

        var refusal = await Assert.ThrowsAsync<MeshException>(() => offline.InstallFirstAsync());

        Assert.Equal(MeshError.InvalidRequest, refusal.Error);
    }
}
