using Mesh.Proxy.Interception;

namespace Mesh.Proxy.Tests.Interception;

public sealed class InitCommandTests
{
    [Fact]
    public async Task Help_has_every_option_and_examples_and_ends_with_0()
    {
        var (code, said, errors) = await RunAsync("--undo", "--help");

        Assert.Equal((0, ""), (code, errors));
        foreach (var word in new[] { "--proxy-uid", "--outbound-port", "--inbound-port", "--admin-port", "--skip-inbound-ports", "--skip-outbound-ports", "--skip-subnets", "--dry-run", "--undo", "Examples:" })
        {
            Assert.Contains(word, said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_dry_run_prints_the_ruleset_and_ends_with_0()
    {
        Assert.Equal((0, RedirectRules.Write(new RedirectOptions(2102)), ""), await RunAsync("--proxy-uid", "2102", "--dry-run"));
        Assert.Equal((0, RedirectRules.Undo(), ""), await RunAsync("--undo", "--dry-run"));
    }

    [Fact]
    public async Task Wrong_options_end_with_2_and_a_line_for_each_mistake()
    {
        var (code, said, errors) = await RunAsync("--admin-port", "x");

        Assert.Equal((2, ""), (code, said));
        Assert.Equal(2, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    private static async Task<(int Code, string Said, string Errors)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await InitCommand.RunAsync(arguments, output, errors);
        return (code, output.ToString(), errors.ToString());
    }
}
