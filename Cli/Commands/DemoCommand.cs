using System.CommandLine;
using System.Globalization;
using Mesh.Admin.V1;
using Mesh.Cli.Admin;
using Mesh.Cli.Demo;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh demo</c>: a whole mesh on this machine, and the proof that its traffic is mTLS.</summary>
internal static class DemoCommand
{
    private static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(1);

    public static Command Create(CommandContext context)
    {
        var duration = new Option<string?>("--duration") { Description = "End by itself after this time, e.g. 30s; exit 4 unless every kind of traffic was seen, and all application traffic in mTLS", HelpName = "TIME" };
        var json = new Option<string?>("--json") { Description = "Write the last table to this file", HelpName = "FILE" };
        var set = new Option<string[]>("--set") { Description = "Any option of silo, ProxyHost and proxies, e.g. Leaf:Lifetime=10s; may be repeated", HelpName = "SECTION:KEY=VALUE", DefaultValueFactory = _ => [] };
        var basePort = new Option<int?>("--base-port")
        {
            Description = "Use ports from this one upwards instead of the well-known ones",
            HelpName = "PORT",
            CustomParser = result => int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                && port > 0 && port <= DemoPorts.HighestBase
                ? port
                : CommandContext.Mistake<int?>(result, $"--base-port '{result.Tokens[0].Value}' is not a port from 1 to {DemoPorts.HighestBase}."),
        };
        var noBuild = new Option<bool>("--no-build") { Description = "Start what was built before" };
        var configuration = new Option<string>("--configuration") { Description = "Which build to start: Release or Debug", HelpName = "CONFIGURATION", DefaultValueFactory = _ => "Release" };
        configuration.AcceptOnlyFromAmong("Release", "Debug");
        var restart = new Option<bool>("--restart") { Description = "Start a process that dies again, on the same data, instead of ending" };
        var transparent = new Option<bool>("--transparent") { Description = "Give each workload a host of its own, and intercept what its application sends; needs root" };
        var command = new MeshCommand(
            "demo",
            "Start a control plane, mesh an emoji-voting application and show that its traffic is mTLS",
            "mesh demo                                    until Ctrl-C",
            "mesh demo --duration 30s --json edges.json   for scripts",
            "mesh demo --set Leaf:Lifetime=10s            certificates that live 10 seconds",
            "mesh demo --base-port 20000                  beside another one",
            "mesh demo --transparent                      applications that know nothing of a proxy")
        {
            duration, json, set, basePort, noBuild, configuration, restart, transparent,
        };
        command.SetAction(CommandContext.Guard((parsed, cancellationToken) => RunAsync(
            new Request(
                ReadDuration(parsed.GetValue(duration)), parsed.GetValue(json), DemoSettings.Parse(parsed.GetValue(set)!), parsed.GetValue(basePort),
                !parsed.GetValue(noBuild), parsed.GetValue(configuration)!, parsed.GetValue(restart), parsed.GetValue(transparent), parsed.GetValue(context.Data), context.WantsJson(parsed)),
            cancellationToken)));
        return command;
    }

    private static async Task<int> RunAsync(Request request, CancellationToken cancellationToken)
    {
        var tree = SourceTree.Find(request.Configuration);
        var ports = new DemoPorts(request.BasePort, request.Settings);
        ports.CheckFree(request.IsTransparent);
        var screen = new DemoScreen(request.AsJson);
        using var folder = DemoFolder.Open(request.Data);
        if (request.Build)
        {
            await screen.ProgressAsync("Building", tell => tree.BuildAsync(cancellationToken));
        }

        await using var hosts = request.IsTransparent ? await DemoHosts.BuildAsync(cancellationToken) : null;
        DemoPlan plan = hosts is null
            ? new ExplicitPlan(tree.Assembly, ports, request.Settings, folder.Path)
            : new TransparentPlan(tree.Assembly, ports, request.Settings, folder.Path, hosts.Machine, hosts.ByWorkload);
        IReadOnlyList<Edge> edges = [];
        await using (var supervisor = new Supervisor(request.Restart, screen.Tell))
        {
            using var admin = AdminConnection.ToFolder(plan.SiloData);
            using var runner = new DemoRunner(plan, supervisor, admin);
            await screen.ProgressAsync("Starting", tell => runner.StartAsync(tell, cancellationToken));
            screen.Tell($"The voting page is at {plan.PageUrl} (through web's proxy). Logs: {Path.Combine(folder.Path, "logs")}. Ctrl-C ends it.");
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (request.Duration is { } duration)
            {
                // The time of a check counts from when everything is there that it looks for.
                await runner.ScraperAsync(cancellationToken);
                limit.CancelAfter(duration);
            }

            edges = await WatchAsync(runner, supervisor, screen, limit.Token);
        }

        screen.Final(edges);
        if (request.JsonFile is { } file)
        {
            WriteJson(file, edges);
        }

        // Whoever ends it by hand has seen what they wanted; a run by the clock is a check.
        var problems = request.Duration is not null && !cancellationToken.IsCancellationRequested ? DemoVerdict.Problems(plan, edges) : [];
        return problems.Count == 0
            ? ExitCodes.Ok
            : throw new CliException(ExitCodes.CheckFailed, string.Join(Environment.NewLine, problems), "Keep the logs with --data DIR and look there.");
    }

    private static async Task<IReadOnlyList<Edge>> WatchAsync(DemoRunner runner, Supervisor supervisor, DemoScreen screen, CancellationToken ended)
    {
        IReadOnlyList<Edge> edges = [];
        await screen.LiveAsync(async show =>
        {
            while (!ended.IsCancellationRequested)
            {
                if (supervisor.Failed.IsCompleted)
                {
                    throw await supervisor.Failed;
                }

                try
                {
                    await runner.PlayAsync(ended);
                    show(edges = await runner.EdgesAsync(ended));
                    await Task.Delay(RefreshEvery, TimeProvider.System, ended);
                }
                catch (OperationCanceledException) when (ended.IsCancellationRequested)
                {
                    // The time is up.
                }
                catch (CliException end) when (end.ExitCode is ExitCodes.Unreachable or ExitCodes.Refused)
                {
                    // A silo that is being restarted: the traffic goes on meanwhile, and the table with it.
                    screen.Tell(end.Message);
                    await Task.Delay(RefreshEvery, TimeProvider.System, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        });
        return edges;
    }

    private static void WriteJson(string file, IReadOnlyList<Edge> edges)
    {
        var list = new ListEdgesResponse();
        list.Edges.AddRange(edges);
        var fresh = file + ".new";
        File.WriteAllText(fresh, JsonOutput.Of(list.Edges) + Environment.NewLine);
        File.Move(fresh, file, overwrite: true);
    }

    private static TimeSpan? ReadDuration(string? text) => text is null ? null
        : Durations.TryParse(text, out var duration) && duration > TimeSpan.Zero ? duration
        : throw new CliException(ExitCodes.Usage, $"--duration '{text}' is not a time.", "Write 30s, 5m or 00:00:30.");

    private sealed record Request(
        TimeSpan? Duration, string? JsonFile, DemoSettings Settings, int? BasePort, bool Build, string Configuration, bool Restart, bool IsTransparent, string? Data, bool AsJson);
}
