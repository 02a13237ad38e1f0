using Mesh.Admin.V1;
using Mesh.Cli.Commands;
using Mesh.Cli.Output;
using Mesh.Cli.Tests.Support;

namespace Mesh.Cli.Tests.Commands;

public sealed class IssuerCommandTests
{
    private const string First = "1f3a9c0d11111111111111111111111111111111111111111111111111111111";
    private const string Second = "1f3a9c0d22222222222222222222222222222222222222222222222222222222";
    private const string Revoked = "99999999333333333333333333333333333333333333333333333333333333ff";

    private static readonly TrustDomain Trust = new()
    {
        Name = "mesh.example", Sequence = 7,
        Issuers = { new Authority { KeyHash = First }, new Authority { KeyHash = Second } },
        Revocations = { new Revocation { KeyHash = Revoked } },
    };

    [Theory]
    [InlineData("1f3a9c0d1", First)]
    [InlineData("1F3A9C0D2", Second)]
    [InlineData(Second, Second)]
    [InlineData("99999999", Revoked)]
    public void An_issuer_is_known_by_the_beginning_of_its_key_hash(string text, string hash) => Assert.Equal(hash, KeyHashPrefix.Resolve(text, "issuer", "mesh issuer list", Trust.Issuers, Trust.Revocations));

    [Theory]
    [InlineData("", ExitCodes.Usage, "too short")]
    [InlineData("1f3a9c0", ExitCodes.Usage, "too short")]
    [InlineData("1f3a9c0d", ExitCodes.Usage, "of 2 issuers")]
    [InlineData("deadbeef", ExitCodes.CheckFailed, "No issuer's key hash begins with 'deadbeef'.")]
    [InlineData("3333333333", ExitCodes.CheckFailed, "No issuer's")]
    public void A_beginning_that_names_none_or_several_is_refused(string text, int exitCode, string says)
    {
        var refusal = Assert.Throws<CliException>(() => KeyHashPrefix.Resolve(text, "issuer", "mesh issuer list", Trust.Issuers, Trust.Revocations));

        Assert.Equal(exitCode, refusal.ExitCode);
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_when_it_is_asked_for_is_an_issuer_revoked_without_a_successor()
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetTrustDomain", Trust), ("RevokeIssuer", Trust));

        await plane.RunAsync("issuer", "revoke", First);
        Assert.False(plane.Asked<RevokeIssuerRequest>("RevokeIssuer").WithoutSuccessor);
        await plane.RunAsync("issuer", "revoke", First, "--without-successor");
        Assert.True(plane.Asked<RevokeIssuerRequest>("RevokeIssuer").WithoutSuccessor);
    }

    [Fact]
    public async Task A_revocation_names_the_whole_key_and_the_reason()
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetTrustDomain", Trust), ("RevokeIssuer", Trust));

        var outcome = await plane.RunAsync("issuer", "revoke", "1f3a9c0d2", "--reason", "stolen disk");

        Assert.Equal((ExitCodes.Ok, $"{Second} is revoked, in force from sequence 7 on.\n"), (outcome.ExitCode, outcome.Output));
        Assert.Equal(new RevokeIssuerRequest { KeyHash = Second, Reason = "stolen disk" }, plane.Asked<RevokeIssuerRequest>("RevokeIssuer"));
    }
}
