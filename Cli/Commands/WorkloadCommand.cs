using System.CommandLine;
using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Cli.Workloads;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh workload</c>: which workloads there are, and which of them are banned.</summary>
internal static class WorkloadCommand
{
    public static Command Create(CommandContext context) => new("workload", "Register, show, ban and forget workloads")
    {
        CreateCreate(context), CreateList(context), CreateShow(context), CreateBan(context), CreateUnban(context), CreateDelete(context),
    };

    private static MeshCommand CreateCreate(CommandContext context)
    {
        var name = new Argument<string?>("NAMESPACE/ACCOUNT") { Description = "The workload; or several in a file", Arity = ArgumentArity.ZeroOrOne };
        var policy = new Option<string?>("--policy") { Description = "Its default policy: deny, cluster-authenticated, all-authenticated or all-unauthenticated", HelpName = "MODE" };
        policy.AcceptOnlyFromAmong("deny", "cluster-authenticated", "all-authenticated", "all-unauthenticated");
        var description = new Option<string?>("--description") { Description = "What it is, in one line", HelpName = "TEXT" };
        var file = new Option<string?>("--file", "-f") { Description = "YAML with up to 1,000 workloads", HelpName = "FILE" };
        var create = new MeshCommand(
            "create",
            """
            Register workloads, with their default policies

            All of them or none; what is there already is left as it is. A file looks like this, and needs namespace and serviceAccount
            alone:

              workloads:
                - namespace: shop
                  serviceAccount: web
                  defaultPolicy: all-unauthenticated
                  description: The shop's pages
            """,
            "mesh workload create shop/web --policy all-unauthenticated --description \"The shop's pages\"",
            "mesh workload create -f workloads.yaml")
        {
            name, policy, description, file,
        };
        create.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var request = new RegisterWorkloadsRequest { Workloads = { Wanted(parsed.GetValue(name), parsed.GetValue(policy), parsed.GetValue(description), parsed.GetValue(file)) } };
            using var admin = context.Connect(parsed);
            var response = await admin.CallAsync((client, options) => client.RegisterWorkloadsAsync(request, options), cancellationToken);
            WriteResults(context.WantsJson(parsed), response);
            return ExitCodes.Ok;
        }));
        return create;
    }

    private static MeshCommand CreateList(CommandContext context)
    {
        var ns = new Option<string>("--namespace", "-n") { Description = "Only this namespace", HelpName = "NS", DefaultValueFactory = _ => "" };
        var list = new MeshCommand(
            "list", "Show registered workloads, with live instances, policy and ban", "mesh workload list", "mesh workload list --namespace shop --output json")
        {
            ns,
        };
        list.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            using var admin = context.Connect(parsed);
            var all = new ListWorkloadsResponse();
            do
            {
                var request = new ListWorkloadsRequest { Namespace = parsed.GetValue(ns), PageToken = all.NextPageToken };
                var page = await admin.CallAsync((client, options) => client.ListWorkloadsAsync(request, options), cancellationToken);
                all.Workloads.AddRange(page.Workloads);
                all.NextPageToken = page.NextPageToken;
            }
            while (all.NextPageToken.Length > 0);

            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(all.Workloads));
            }
            else
            {
                CommandContext.Write(WorkloadTable.Build(all.Workloads));
            }

            return ExitCodes.Ok;
        }));
        return list;
    }

    private static MeshCommand CreateShow(CommandContext context)
    {
        var name = WorkloadArgument();
        var show = new MeshCommand("show", "Show one workload: policy, ban, instances and when their certificates end", "mesh workload show shop/web")
        {
            name,
        };
        show.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var (ns, account) = WorkloadName.Parse(parsed.GetValue(name)!);
            using var admin = context.Connect(parsed);
            var request = new GetWorkloadRequest { Namespace = ns, ServiceAccount = account };
            var workload = await admin.CallAsync((client, options) => client.GetWorkloadAsync(request, options), cancellationToken);
            if (context.WantsJson(parsed))
            {
                Console.WriteLine(JsonOutput.Of(workload));
            }
            else
            {
                CommandContext.Write(WorkloadTable.Facts(workload));
                CommandContext.Write(WorkloadTable.Instances(workload));
            }

            return ExitCodes.Ok;
        }));
        return show;
    }

    private static MeshCommand CreateBan(CommandContext context)
    {
        var name = WorkloadArgument();
        var reason = new Option<string>("--reason") { Description = "Why, in one line", HelpName = "TEXT", Required = true };
        var ban = new MeshCommand(
            "ban",
            """
            Refuse a workload: its certificates, its sessions, whatever it asks for

            Proxies hear of it at once, refuse it on new connections and end those that are open.
            """,
            "mesh workload ban shop/web --reason \"its node was broken into\"")
        {
            name, reason,
        };
        ban.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var (ns, account) = WorkloadName.Parse(parsed.GetValue(name)!);
            using var admin = context.Connect(parsed);
            var request = new BanWorkloadRequest { Namespace = ns, ServiceAccount = account, Reason = parsed.GetValue(reason) };
            var answer = await admin.CallAsync((client, options) => client.BanWorkloadAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed) ? JsonOutput.Of(answer) : $"{ns}/{account} is banned since {WorkloadTable.Time(answer.BannedAt)}: {answer.Reason}");
            return ExitCodes.Ok;
        }));
        return ban;
    }

    private static MeshCommand CreateUnban(CommandContext context)
    {
        var name = WorkloadArgument();
        var unban = new MeshCommand(
            "unban",
            """
            Lift a ban; what was issued before stays refused

            Its proxies need new tokens (mesh token create) and a restart: keys, certificates and tokens from before stay void.
            """,
            "mesh workload unban shop/web")
        {
            name,
        };
        unban.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var (ns, account) = WorkloadName.Parse(parsed.GetValue(name)!);
            using var admin = context.Connect(parsed);
            var request = new UnbanWorkloadRequest { Namespace = ns, ServiceAccount = account };
            var answer = await admin.CallAsync((client, options) => client.UnbanWorkloadAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed)
                ? JsonOutput.Of(answer)
                : $"{ns}/{account} is banned no more. What was issued to it before {WorkloadTable.Time(answer.IssuedBefore)} stays refused: give its proxies new tokens.");
            return ExitCodes.Ok;
        }));
        return unban;
    }

    private static MeshCommand CreateDelete(CommandContext context)
    {
        var name = WorkloadArgument();
        var delete = new MeshCommand(
            "delete",
            """
            Take a workload off the list, with the default policy that was set for it

            Refused while an instance of it is alive or it is banned. Certificates are not touched: deleting keeps nobody out.
            """,
            "mesh workload delete shop/web")
        {
            name,
        };
        delete.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var (ns, account) = WorkloadName.Parse(parsed.GetValue(name)!);
            using var admin = context.Connect(parsed);
            var request = new DeleteWorkloadRequest { Namespace = ns, ServiceAccount = account };
            var answer = await admin.CallAsync((client, options) => client.DeleteWorkloadAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed) ? JsonOutput.Of(answer) : $"{ns}/{account} is forgotten.");
            return ExitCodes.Ok;
        }));
        return delete;
    }

    private static Argument<string> WorkloadArgument() => new("NAMESPACE/ACCOUNT") { Description = "The workload" };

    private static IReadOnlyList<WorkloadRegistration> Wanted(string? name, string? policy, string? description, string? file)
    {
        if (file is not null)
        {
            return name is null && policy is null && description is null
                ? WorkloadFile.Read(file)
                : throw new CliException(ExitCodes.Usage, "--file says everything; nothing may stand beside it.", "mesh workload create --help shows how.");
        }

        var (ns, account) = WorkloadName.Parse(name ?? throw new CliException(ExitCodes.Usage, "A workload or a file is needed.", "mesh workload create --help shows how."));
        var wanted = new WorkloadRegistration { Namespace = ns, ServiceAccount = account };
        if (policy is not null)
        {
            wanted.DefaultPolicy = policy;
        }

        if (description is not null)
        {
            wanted.Description = description;
        }

        return [wanted];
    }

    private static void WriteResults(bool asJson, RegisterWorkloadsResponse response)
    {
        if (asJson)
        {
            Console.WriteLine(JsonOutput.Of(response.Results));
            return;
        }

        foreach (var result in response.Results.Where(result => result.Outcome != "unchanged"))
        {
            Console.WriteLine($"{result.Namespace}/{result.ServiceAccount}: {result.Outcome}");
        }

        var unchanged = response.Results.Count(result => result.Outcome == "unchanged");
        if (unchanged == response.Results.Count)
        {
            Console.WriteLine("Nothing changed.");
        }
        else if (unchanged > 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{unchanged} unchanged"));
        }
    }
}
