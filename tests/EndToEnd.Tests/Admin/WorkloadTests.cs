using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;

namespace Mesh.EndToEnd.Tests.Admin;

/// <summary>Workloads as the admin API knows them.</summary>
public class WorkloadTests(RunningMesh running)
{
    private MeshUnderTest Mesh => running.Mesh;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Registering_sets_the_policy_and_the_same_again_changes_nothing()
    {
        var request = new RegisterWorkloadsRequest
        {
            Workloads = { new WorkloadRegistration { Namespace = "reg", ServiceAccount = "a", DefaultPolicy = "deny", Description = "first" }, new WorkloadRegistration { Namespace = "reg", ServiceAccount = "b" } },
        };

        var first = await Mesh.Admin.RegisterWorkloadsAsync(request, cancellationToken: Cancel);
        var again = await Mesh.Admin.RegisterWorkloadsAsync(request, cancellationToken: Cancel);

        Assert.Equal(["created", "created"], first.Results.Select(result => result.Outcome));
        Assert.Equal(["unchanged", "unchanged"], again.Results.Select(result => result.Outcome));
        var listed = (await Mesh.Admin.ListWorkloadsAsync(new ListWorkloadsRequest { Namespace = "reg" }, cancellationToken: Cancel)).Workloads;
        Assert.Equal([("a", "deny", "first"), ("b", "cluster-authenticated", "")], listed.Select(workload => (workload.ServiceAccount, workload.DefaultPolicy, workload.Description)));
    }

    [Fact]
    public async Task A_thousand_workloads_with_the_longest_descriptions_go_at_once()
    {
        var request = new RegisterWorkloadsRequest();
        request.Workloads.AddRange(Enumerable.Range(0, 1_000).Select(i => new WorkloadRegistration { Namespace = "many", ServiceAccount = $"w{i}", Description = new string('€', 256) }));

        Assert.Equal(1_000, (await Mesh.Admin.RegisterWorkloadsAsync(request, cancellationToken: Cancel)).Results.Count);
        var page = await Mesh.Admin.ListWorkloadsAsync(new ListWorkloadsRequest { Namespace = "many" }, cancellationToken: Cancel);
        Assert.Equal((1_000, "many/w999"), (page.Workloads.Count, page.NextPageToken));
        Assert.Empty((await Mesh.Admin.ListWorkloadsAsync(new ListWorkloadsRequest { Namespace = "many", PageToken = page.NextPageToken }, cancellationToken: Cancel)).Workloads);
    }

    [Fact]
    public async Task A_token_registers_its_workload_which_is_shown_with_its_instance()
    {
        using var credential = (await TestProxy.EnrollAsync(Mesh, "implicit")).Credential;

        var shown = await Mesh.Admin.GetWorkloadAsync(new GetWorkloadRequest { Namespace = MeshUnderTest.Namespace, ServiceAccount = "implicit" }, cancellationToken: Cancel);

        Assert.NotNull(shown.RegisteredAt);
        Assert.Equal((1u, credential.Svid.SerialNumber), (shown.LiveInstances, Assert.Single(shown.Instances).SerialNumber));
        Assert.Null(shown.Ban);
        var listed = (await Mesh.Admin.ListWorkloadsAsync(new ListWorkloadsRequest { Namespace = MeshUnderTest.Namespace }, cancellationToken: Cancel)).Workloads;
        Assert.Equal(1u, listed.Single(workload => workload.ServiceAccount == "implicit").LiveInstances);
        var unknown = await Assert.ThrowsAsync<RpcException>(() => Mesh.Admin.GetWorkloadAsync(new GetWorkloadRequest { Namespace = "no", ServiceAccount = "body" }, cancellationToken: Cancel).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, unknown.StatusCode);
        var alive = await Assert.ThrowsAsync<RpcException>(() => DeleteAsync(MeshUnderTest.Namespace, "implicit"));
        Assert.Equal(StatusCode.FailedPrecondition, alive.StatusCode);
        Assert.Contains("1 instances of 'shop/implicit' are alive", alive.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_workload_is_forgotten_unless_it_is_banned()
    {
        await Mesh.Admin.RegisterWorkloadsAsync(
            new RegisterWorkloadsRequest { Workloads = { new WorkloadRegistration { Namespace = "gone", ServiceAccount = "a", DefaultPolicy = "deny" } } }, cancellationToken: Cancel);
        await Mesh.Admin.BanWorkloadAsync(new BanWorkloadRequest { Namespace = "gone", ServiceAccount = "b", Reason = "drill" }, cancellationToken: Cancel);

        await DeleteAsync("gone", "a");

        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => DeleteAsync("gone", "a"))).StatusCode);
        Assert.Equal(StatusCode.FailedPrecondition, (await Assert.ThrowsAsync<RpcException>(() => DeleteAsync("gone", "b"))).StatusCode);
        var listed = (await Mesh.Admin.ListWorkloadsAsync(new ListWorkloadsRequest { Namespace = "gone" }, cancellationToken: Cancel)).Workloads;
        Assert.Equal(["b"], listed.Select(workload => workload.ServiceAccount));
    }

    private Task<DeleteWorkloadResponse> DeleteAsync(string ns, string account) =>
        Mesh.Admin.DeleteWorkloadAsync(new DeleteWorkloadRequest { Namespace = ns, ServiceAccount = account }, cancellationToken: Cancel).ResponseAsync;
}
