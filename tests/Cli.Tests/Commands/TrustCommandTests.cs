using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Cli.Tests.Support;

namespace Mesh.Cli.Tests.Commands;

public sealed class TrustCommandTests
{
    private const string Anchor = "1f3a9c0d11111111111111111111111111111111111111111111111111111111";

    private static readonly Timestamp Moment = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    private static readonly TrustDomain Trust = new()
    {
        Name = "mesh.example",
        Sequence = 7,
        Anchors = { new Authority { KeyHash = Anchor, Purpose = "anchor", Stage = "active", NotAfter = Moment } },
    };

    [Fact]
    public async Task The_status_names_who_has_not_acknowledged_the_bundle_in_force()
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetTrustDomain", Trust), ("GetLedger", LedgerOf(Entry("web", 7, true), Entry("voting", 6, false))));

        var outcome = await plane.RunAsync("trust", "status");

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.Contains("Sequence 7: 1 of 2 instances have acknowledged it; 1 have not.", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("voting", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("/sa/web", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("/sa/web", (await plane.RunAsync("trust", "status", "--all")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watching_ends_when_everybody_has_acknowledged()
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetTrustDomain", Trust), ("GetLedger", LedgerOf(Entry("web", 7, true))));

        var outcome = await plane.RunAsync("trust", "status", "--watch");

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.EndsWith("Z  Sequence 7: all 1 instances have acknowledged it, the last at 2026-05-01 12:00:00Z.\n", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("start", "StartAnchorRotation")]
    [InlineData("activate", "ActivateAnchor")]
    [InlineData("retire", "RetireAnchor")]
    [InlineData("abort", "AbortAnchorRotation")]
    public async Task Each_step_of_a_rotation_shows_the_authorities_and_what_comes_next(string step, string call)
    {
        await using var plane = await FakeControlPlane.StartAsync((call, Trust));

        var outcome = await plane.RunAsync("trust", "rotate", step);

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.Contains(Anchor[..16], outcome.Output, StringComparison.Ordinal);
        Assert.Contains("anchor", outcome.Output[outcome.Output.LastIndexOf(Anchor[..16], StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_force_skips_the_wait_for_those_that_have_not_acknowledged()
    {
        await using var plane = await FakeControlPlane.StartAsync(("ActivateAnchor", Trust), ("RetireAnchor", Trust));

        await plane.RunAsync("trust", "rotate", "activate");
        Assert.False(plane.Asked<ActivateAnchorRequest>("ActivateAnchor").Force);
        await plane.RunAsync("trust", "rotate", "retire", "--force");
        Assert.True(plane.Asked<RetireAnchorRequest>("RetireAnchor").Force);
    }

    [Fact]
    public async Task A_revocation_names_the_whole_key_and_the_reason()
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetTrustDomain", Trust), ("RevokeAnchor", Trust));

        var outcome = await plane.RunAsync("trust", "revoke", Anchor[..8], "--reason", "open vault");

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.Equal(new RevokeAnchorRequest { KeyHash = Anchor, Reason = "open vault" }, plane.Asked<RevokeAnchorRequest>("RevokeAnchor"));
    }

    private static Ledger LedgerOf(params IEnumerable<LedgerEntry> entries) => new() { Sequence = 7, SignedAt = Moment, Entries = { entries } };

    private static LedgerEntry Entry(string account, long sequence, bool isConverged) => new()
    {
        SpiffeId = $"spiffe://mesh.example/ns/shop/sa/{account}", InstanceId = "0123456789abcdef", Sequence = sequence, IsConverged = isConverged, AcknowledgedAt = Moment, NotAfter = Moment,
    };
}
