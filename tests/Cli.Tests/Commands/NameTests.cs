using Mesh.Cli.Commands;
using Mesh.Cli.Output;

namespace Mesh.Cli.Tests.Commands;

public sealed class NameTests
{
    private const string Web = "spiffe://mesh.example/ns/emojivoto/sa/web";

    [Fact]
    public void A_workload_is_called_by_namespace_and_account() => Assert.Equal(("emojivoto", "web"), WorkloadName.Parse("emojivoto/web"));

    [Theory]
    [InlineData("")]
    [InlineData("web")]
    [InlineData("/web")]
    [InlineData("emojivoto/")]
    [InlineData("a/b/c")]
    public void Anything_else_is_a_mistake_of_the_command_line(string text)
    {
        var mistake = Assert.Throws<CliException>(() => WorkloadName.Parse(text));

        Assert.Equal(ExitCodes.Usage, mistake.ExitCode);
        Assert.Equal($"'{text}' is not NAMESPACE/ACCOUNT.", mistake.Message);
        Assert.NotEmpty(mistake.Next);
    }

    [Theory]
    [InlineData("web")]
    [InlineData("emojivoto/web")]
    [InlineData(Web)]
    public void An_identity_is_found_by_its_account_its_namespace_and_account_or_whole(string wanted) =>
        Assert.True(IdentityCommand.Matches(Web, wanted));

    [Theory]
    [InlineData("")]
    [InlineData("we")]
    [InlineData("Web")]
    [InlineData("emojivoto")]
    [InlineData("other/web")]
    [InlineData("emojivoto/web/")]
    [InlineData("spiffe://other.example/ns/emojivoto/sa/web")]
    public void An_identity_is_not_found_by_a_part_or_another(string wanted) => Assert.False(IdentityCommand.Matches(Web, wanted));

    [Theory]
    [InlineData("/")]
    [InlineData("")]
    [InlineData("silo-0")]
    public void An_identity_that_is_no_workloads_is_found_whole_alone(string wanted)
    {
        Assert.True(IdentityCommand.Matches("spiffe://mesh.example/mesh/silo/silo-0", "spiffe://mesh.example/mesh/silo/silo-0"));
        Assert.False(IdentityCommand.Matches("spiffe://mesh.example/mesh/silo/silo-0", wanted));
    }
}
