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
        return new Command("policy", "Say who may call a workload") { set };
    }
}
