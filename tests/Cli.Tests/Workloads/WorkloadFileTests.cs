using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Cli.Workloads;

namespace Mesh.Cli.Tests.Workloads;

public sealed class WorkloadFileTests
{
    public static TheoryData<string, string[]> Mistakes => new()
    {
        { "", ["w.yaml:1: one document with the field 'workloads' is wanted."] },
        { "- a", ["w.yaml:1: one document with the field 'workloads' is wanted."] },
        { "workloads: []", ["w.yaml:1: workloads: a list of at least one workload is wanted."] },
        { "workload: []", ["w.yaml:1: workload: there is no such field here", "w.yaml:1: workloads: a list of at least one"] },
        { "workloads:\n- web", ["w.yaml:2: workloads[0]: a workload with namespace and serviceAccount is wanted."] },
        { "workloads:\n- namespace: shop\n", ["w.yaml:2: workloads[0].serviceAccount: is missing."] },
        { "workloads:\n- namespace: a b\n  serviceAccount: web\n", ["w.yaml:2: workloads[0].namespace: 'a b' is no name"] },
        { "workloads:\n- namespace: a\n  serviceAccount: [x]\n", ["w.yaml:3: workloads[0].serviceAccount: a text is wanted."] },
        {
            "workloads:\n- namespace: a\n  serviceAccount: b\n- namespace: a\n  serviceAccount: b\n",
            ["w.yaml:4: workloads[1]: a/b stands in line 2 already."]
        },
        {
            "workloads:\n- namespace: a\n  serviceAccount: b\n  defaultPolicy: open\n  owner: me\n- namespace: c\n  description: \"x\\ny\"\nmore: 1\n",
            [
                "w.yaml:8: more: there is no such field here",
                "w.yaml:4: workloads[0].defaultPolicy: 'open' is not one of: deny, cluster-authenticated",
                "w.yaml:5: workloads[0].owner: there is no such field; a workload has namespace, serviceAccount, defaultPolicy, description.",
                "w.yaml:7: workloads[1].description: one line of at most 256 characters is wanted; this has 3.",
                "w.yaml:6: workloads[1].serviceAccount: is missing.",
            ]
        },
    };

    [Fact]
    public void A_file_is_read_as_it_is_written()
    {
        var workloads = WorkloadFile.Parse(
            "w.yaml", "workloads:\n- namespace: shop\n  serviceAccount: web\n  defaultPolicy: deny\n  description: The shop's pages\n- {namespace: shop, serviceAccount: 'yes'}\n");

        Assert.Equal(
            [
                new WorkloadRegistration { Namespace = "shop", ServiceAccount = "web", DefaultPolicy = "deny", Description = "The shop's pages" },
                new WorkloadRegistration { Namespace = "shop", ServiceAccount = "yes" },
            ],
            workloads);
    }

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Every_mistake_is_named_with_file_line_and_field_at_once(string text, string[] expected)
    {
        var refusal = Assert.Throws<CliException>(() => WorkloadFile.Parse("w.yaml", text));

        Assert.Equal(ExitCodes.Usage, refusal.ExitCode);
        var lines = refusal.Message.Split(Environment.NewLine)[1..];
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected.Zip(lines), pair => Assert.StartsWith($"  {pair.First}", pair.Second, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("workloads:\n- {namespace: a, namespace: b}\n")]
    [InlineData("workloads: [\n")]
    [InlineData("workloads: *nobody\n")]
    public void What_is_no_YAML_is_named_with_its_line(string text)
    {
        var refusal = Assert.Throws<CliException>(() => WorkloadFile.Parse("w.yaml", text));

        Assert.StartsWith("1 mistake in w.yaml; nothing was created.", refusal.Message, StringComparison.Ordinal);
        Assert.Matches(@"w\.yaml:[1-3]: \S", refusal.Message);
    }

    [Fact]
    public void More_than_a_thousand_do_not_go_at_once() => Assert.Contains(
        "1001 workloads stand here; at most 1000 go at once.",
        Assert.Throws<CliException>(() => WorkloadFile.Parse("w.yaml", "workloads:\n" + string.Concat(Enumerable.Repeat("- {namespace: a, serviceAccount: b}\n", 1_001)))).Message,
        StringComparison.Ordinal);
}
