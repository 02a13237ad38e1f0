using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Cli.Tests.Support;

namespace Mesh.Cli.Tests.Commands;

public sealed partial class WorkloadCommandTests
{
    private static readonly Timestamp At = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).ToTimestamp();

    private static readonly Workload Web = new()
    {
        Namespace = "shop", ServiceAccount = "web", SpiffeId = "spiffe://mesh.example/ns/shop/sa/web", Description = "pages", RegisteredAt = At,
        DefaultPolicy = "all-unauthenticated", LiveInstances = 2,
        Instances = { new Identity { InstanceId = "0123abcd4567", NotAfter = At, SerialNumber = "0A" } },
    };

    [Fact]
    public async Task A_ban_and_its_end_are_asked_for_and_told()
    {
        await using var plane = await FakeControlPlane.StartAsync(
            ("BanWorkload", new Ban { BannedAt = At, Reason = "stolen" }), ("UnbanWorkload", new Ban { BannedAt = At, IssuedBefore = At }));

        var ban = await plane.RunAsync("workload", "ban", "shop/web", "--reason", "stolen");
        var unban = await plane.RunAsync("workload", "unban", "shop/web");

        Assert.Equal((ExitCodes.Ok, "shop/web is banned since 2030-01-01 00:00:00Z: stolen\n"), (ban.ExitCode, ban.Output));
        Assert.Equal(new BanWorkloadRequest { Namespace = "shop", ServiceAccount = "web", Reason = "stolen" }, plane.Asked<BanWorkloadRequest>("BanWorkload"));
        Assert.StartsWith("shop/web is banned no more. What was issued to it before 2030-01-01 00:00:00Z stays refused", unban.Output, StringComparison.Ordinal);
        Assert.Equal(new UnbanWorkloadRequest { Namespace = "shop", ServiceAccount = "web" }, plane.Asked<UnbanWorkloadRequest>("UnbanWorkload"));
    }

    [Fact]
    public async Task A_workload_is_forgotten()
    {
        await using var plane = await FakeControlPlane.StartAsync(("DeleteWorkload", new DeleteWorkloadResponse()));

        var outcome = await plane.RunAsync("workload", "delete", "shop/web");

        Assert.Equal((ExitCodes.Ok, "shop/web is forgotten.\n"), (outcome.ExitCode, outcome.Output));
        Assert.Equal(new DeleteWorkloadRequest { Namespace = "shop", ServiceAccount = "web" }, plane.Asked<DeleteWorkloadRequest>("DeleteWorkload"));
    }

    [Fact]
    public async Task Workloads_are_listed_page_after_page_with_instances_policy_and_ban()
    {
        var banned = new Workload { Namespace = "shop", ServiceAccount = "bank", DefaultPolicy = "deny", Ban = new Ban { BannedAt = At } };
        await using var plane = await FakeControlPlane.StartAsync(("ListWorkloads", new ListWorkloadsResponse { Workloads = { banned, Web } }));

        var table = await plane.RunAsync("workload", "list", "--namespace", "shop");
        var json = await plane.RunAsync("workload", "list", "--output", "json");

        Assert.Contains(table.OutputLines, line => Words(line) == "shop/bank 0 deny banned");
        Assert.Contains(table.OutputLines, line => Words(line) == "shop/web 2 all-unauthenticated - pages");
        using var parsed = JsonDocument.Parse(json.Output);
        Assert.Equal("web", parsed.RootElement[1].GetProperty("service_account").GetString());
    }

    [Fact]
    public async Task One_workload_is_shown_with_when_its_certificates_end()
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetWorkload", Web));

        var outcome = await plane.RunAsync("workload", "show", "shop/web");

        Assert.Contains(outcome.OutputLines, line => Words(line) == "policy all-unauthenticated");
        Assert.Contains(outcome.OutputLines, line => Words(line) == "ban none");
        Assert.Contains(outcome.OutputLines, line => Words(line) == "0123abcd 2030-01-01 00:00:00Z 0A - -");
    }

    [Fact]
    public async Task A_workload_is_created_from_the_command_line_and_unset_fields_stay_unset()
    {
        await using var plane = await FakeControlPlane.StartAsync(("RegisterWorkloads", Results("created")));

        var outcome = await plane.RunAsync("workload", "create", "shop/web", "--policy", "deny");

        Assert.Equal((ExitCodes.Ok, "shop/web: created\n"), (outcome.ExitCode, outcome.Output));
        var asked = Assert.Single(plane.Asked<RegisterWorkloadsRequest>("RegisterWorkloads").Workloads);
        Assert.Equal(("deny", false), (asked.DefaultPolicy, asked.HasDescription));
    }

    [Fact]
    public async Task A_file_that_changes_nothing_is_said_to_change_nothing()
    {
        await using var plane = await FakeControlPlane.StartAsync(("RegisterWorkloads", Results("unchanged")));
        var file = Path.Combine(plane.Data, "workloads.yaml");
        await File.WriteAllTextAsync(file, "workloads:\n- {namespace: shop, serviceAccount: web, description: ''}\n", TestContext.Current.CancellationToken);

        var outcome = await plane.RunAsync("workload", "create", "-f", file);

        Assert.Equal((ExitCodes.Ok, "Nothing changed.\n"), (outcome.ExitCode, outcome.Output));
        var asked = Assert.Single(plane.Asked<RegisterWorkloadsRequest>("RegisterWorkloads").Workloads);
        Assert.Equal(("shop", "web", false, true), (asked.Namespace, asked.ServiceAccount, asked.HasDefaultPolicy, asked.HasDescription));
    }

    [Fact]
    public async Task Mistakes_in_a_file_are_code_2_all_named_and_nothing_is_asked_for()
    {
        await using var plane = await FakeControlPlane.StartAsync(("RegisterWorkloads", Results("created")));
        var file = Path.Combine(plane.Data, "workloads.yaml");
        await File.WriteAllTextAsync(
            file, "workloads:\n- {namespace: shop, serviceAcount: web}\n- {namespace: shop, serviceAccount: bank, defaultPolicy: open}\n", TestContext.Current.CancellationToken);

        var outcome = await plane.RunAsync("workload", "create", "-f", file);

        Assert.Equal(ExitCodes.Usage, outcome.ExitCode);
        Assert.Equal($"error: 3 mistakes in {file}; nothing was created.", outcome.ErrorLines[0]);
        Assert.Equal(5, outcome.ErrorLines.Length);
        Assert.Throws<KeyNotFoundException>(() => plane.Asked<RegisterWorkloadsRequest>("RegisterWorkloads"));
    }

    [Theory]
    [InlineData("workload create")]
    [InlineData("workload create shop/web -f workloads.yaml")]
    [InlineData("workload create -f /nowhere.yaml")]
    [InlineData("workload ban shop --reason x")]
    [InlineData("workload ban shop/web")]
    [InlineData("workload delete shop")]
    public async Task A_mistake_is_code_2(string line) => Assert.Equal(ExitCodes.Usage, (await MeshProgram.RunAsync(line.Split(' '))).ExitCode);

    private static RegisterWorkloadsResponse Results(string outcome) =>
        new() { Results = { new RegistrationResult { Namespace = "shop", ServiceAccount = "web", Outcome = outcome } } };

    private static string Words(string line) => Gaps().Replace(line.Trim(), " ");

    [GeneratedRegex(@"\s+")]
    private static partial Regex Gaps();
}
