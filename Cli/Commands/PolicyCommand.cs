using System.CommandLine;
using Mesh.Admin.V1;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh policy</c>: who may call a workload.</summary>
internal static class PolicyCommand
{
    public static Command Create(CommandContext context)
    {
        var workload = new Argument<string>("NAMESPACE/ACCOUNT") { Description = "The workload" };
        var mode = new Argument<string>("MODE") { Description = "deny, cluster-authenticated, all-authenticated or all-unauthenticated" };
        mode.AcceptOnlyFromAmong("deny", "cluster-authenticated", "all-authenticated", "all-unauthenticated");
        var set = new MeshCommand(
            "set-default",
            "Set the default policy of a workload",
            "mesh policy set-default emojivoto/voting cluster-authenticated",
            "mesh policy set-default emojivoto/web all-unauthenticated        for browsers too")
        {
            workload, mode,
        };
        set.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var (ns, account) = WorkloadName.Parse(parsed.GetValue(workload)!);
            var request = new SetDefaultPolicyRequest { Namespace = ns, ServiceAccount = account, Mode = parsed.GetValue(mode) };
            using var admin = context.Connect(parsed);
            var policy = await admin.CallAsync((client, options) => client.SetDefaultPolicyAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed) ? JsonOutput.Of(policy) : $"{policy.Namespace}/{policy.ServiceAccount}: {policy.Mode}");
            return ExitCodes.Ok;
        }));
        return new Command("policy", "Say who may call a workload, and how its proxy looks at connections") { set, CreateSet(context) };
    }

    private static MeshCommand CreateSet(CommandContext context)
    {
        var workload = new Argument<string>("NAMESPACE/ACCOUNT") { Description = "The workload" };
        var ports = new Option<string>("--opaque-ports")
        {
            Description = "Ports of the application on which its proxy waits for no first word: PORT or FIRST-LAST, with commas; none; or default",
            HelpName = "PORTS",
            Required = true,
        };
        var set = new MeshCommand(
            "set",
            """
            Set how the proxy of a workload looks at connections

            On an opaque port the server may speak first, as databases and mail servers do. Who comes is authenticated all the same.
            """,
            "mesh policy set shop/db --opaque-ports 5432,9000-9100",
            "mesh policy set shop/db --opaque-ports none       every client speaks first",
            "mesh policy set shop/db --opaque-ports default    25,587,3306,4444,5432,6379,9300,11211")
        {
            workload, ports,
        };
        set.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var (ns, account) = WorkloadName.Parse(parsed.GetValue(workload)!);
            var request = new SetOpaquePortsRequest { Namespace = ns, ServiceAccount = account };
            if (parsed.GetValue(ports) is { } text and not "default")
            {
                request.Ports = text == "none" ? "" : text;
            }

            using var admin = context.Connect(parsed);
            var set = await admin.CallAsync((client, options) => client.SetOpaquePortsAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed)
                ? JsonOutput.Of(set)
                : $"{set.Namespace}/{set.ServiceAccount}: opaque ports {WorkloadTable.Ports(set.HasPorts ? set.Ports : null)}");
            return ExitCodes.Ok;
        }));
        return set;
    }
}
