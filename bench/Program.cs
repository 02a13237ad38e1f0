using System.CommandLine;
using Mesh.Bench.Attack;
using Mesh.Bench.Churn;
using Mesh.Bench.DataPlane;
using Mesh.Bench.Demo;
using Mesh.Bench.Host;
using Mesh.Bench.Issuing;
using Mesh.Bench.Lifecycle;
using Mesh.Bench.Load;
using Mesh.Bench.Push;
using Mesh.Bench.Results;
using Mesh.Bench.Soak;
using Mesh.Bench.Support;

// Exit codes: 0 every bound held, 1 a fault, 2 the command line is wrong, 4 a bound did not hold.
var json = new Option<string?>("--json") { Description = "Write the figures to this file, one flat JSON object", HelpName = "FILE", Recursive = true };
var root = new RootCommand("Measures what MeshOrleans promises, on real processes") { json };
Add("demo", "How soon the demo shows mTLS, and what each process weighs", (_, cancellationToken) => DemoBench.RunAsync(cancellationToken));
var messages = new Option<int>("--messages") { Description = "How many mutated messages are sent", HelpName = "N", DefaultValueFactory = _ => 200_000 };
Add(
    "attack", "Whether a ProxyHost stands mutated messages, and how another proxy fares meanwhile",
    (parsed, cancellationToken) => AttackBench.RunAsync(parsed.GetValue(messages), cancellationToken), messages);
var proxies = new Option<int>("--proxies") { Description = "How many proxies are connected", HelpName = "N", DefaultValueFactory = _ => 1_000 };
Add(
    "host", "What a ProxyHost carries: calls a second, memory of a proxy, and how soon all are back when one is killed",
    (parsed, cancellationToken) => HostBench.RunAsync(parsed.GetValue(proxies), cancellationToken), proxies);
Add(
    "push", "How soon a change of the trust bundle has reached every proxy",
    (parsed, cancellationToken) => PushBench.RunAsync(parsed.GetValue(proxies), cancellationToken), proxies);
var instances = new Option<int>("--instances") { Description = "How many instances are enrolled", HelpName = "N", DefaultValueFactory = _ => 10_000 };
Add(
    "issuing", "Certificates a second through a ProxyHost, beside cfssl, and how soon all instances have another when their issuer is revoked",
    (parsed, cancellationToken) => IssuingBench.RunAsync(parsed.GetValue(instances), cancellationToken), instances);
var replicas = new Option<int>("--replicas") { Description = "How many replicas come and go, one a second", HelpName = "N", DefaultValueFactory = _ => 60 };
Add(
    "churn", "Whether replicas of one account come and go without a trace",
    (parsed, cancellationToken) => ChurnBench.RunAsync(parsed.GetValue(replicas), cancellationToken), replicas);
var seconds = new Option<int>("--seconds") { Description = "How long requests go on before the revocation; from 60 on an anchor is rotated to the end", HelpName = "N", DefaultValueFactory = _ => 60 };
Add(
    "lifecycle", "Whether requests go on while all certificates and authorities change, and how soon the thief of an issuer's key is out",
    (parsed, cancellationToken) => LifecycleBench.RunAsync(parsed.GetValue(seconds), cancellationToken), seconds);
var managed = new Option<bool>("--managed") { Description = "Measure the ordinary build of the proxy, not the native binary; its memory has no bounds" };
AddProxy();
AddSoak();
AddAttacker();
AddBackend();
return await root.Parse(args).InvokeAsync();

void Add(string name, string description, Func<ParseResult, CancellationToken, Task<BenchReport>> run, params Option[] options)
{
    var command = new Command(name, description);
    foreach (var option in options)
    {
        command.Add(option);
    }

    command.SetAction(async (parsed, cancellationToken) =>
    {
        BenchReport report;
        try
        {
            report = await run(parsed, cancellationToken);
        }
        catch (LoadException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }

        report.Print();
        if (parsed.GetValue(json) is { } file)
        {
            report.Write(file);
        }

        return report.Holds ? 0 : 4;
    });
    root.Add(command);
}

void AddProxy()
{
    var duration = new Option<double>("--seconds") { Description = "How long one run lasts", HelpName = "N", DefaultValueFactory = _ => 3 };
    var rounds = new Option<int>("--rounds") { Description = "How often each run is made, in turn with the others", HelpName = "N", DefaultValueFactory = _ => 3 };
    var only = new Option<string[]>("--only") { Description = "Measure this alone; may be repeated", HelpName = "NAME" };
    only.AcceptOnlyFromAmong([.. Workload.All.Select(workload => workload.Name), ProxyBench.Memory, ProxyBench.Ready]);
    var peers = new Option<string[]>("--peer") { Description = "Measure this one alone; may be repeated", HelpName = "NAME" };
    peers.AcceptOnlyFromAmong(PeerSet.Direct, PeerSet.Nginx, PeerSet.Haproxy, PeerSet.Mesh);
    var suite = new Option<string?>("--suite") { Description = "Hold all of them to this cipher suite", HelpName = "NAME" };
    suite.AcceptOnlyFromAmong(Suite.Names);
    Add(
        "proxy", "The proxy beside HAProxy, nginx and no proxy: bulk, requests, new connections, memory, start",
        (parsed, cancellationToken) => ProxyBench.RunAsync(
            new ProxyBenchSettings(
                TimeSpan.FromSeconds(parsed.GetValue(duration)), parsed.GetValue(rounds), parsed.GetValue(only) ?? [], parsed.GetValue(peers) ?? [],
                Program(parsed), parsed.GetValue(suite)),
            cancellationToken),
        duration, rounds, only, peers, managed, suite);
}

void AddSoak()
{
    var minutes = new Option<double>("--minutes") { Description = "How long it lasts", HelpName = "N", DefaultValueFactory = _ => 10 };
    Add(
        "soak", "Whether two proxies stay as they are while connections come, half-close and abort at random, and whether every byte arrives",
        (parsed, cancellationToken) => SoakBench.RunAsync(TimeSpan.FromMinutes(parsed.GetValue(minutes)), Program(parsed), cancellationToken),
        minutes, managed);
}

ProxyProgram Program(ParseResult parsed) => parsed.GetValue(managed) ? ProxyProgram.Ordinary : ProxyProgram.Native();

// Started by "proxy".
void AddBackend()
{
    var address = new Argument<string>("address");
    var command = new Command("backend", "Takes the load of a measurement") { address };
    command.Hidden = true;
    command.SetAction(parsed => Backend.Run(parsed.GetRequiredValue(address)));
    root.Add(command);
}

// Started by "lifecycle".
void AddAttacker()
{
    var (data, issuer, victim, address) = (new Argument<string>("data"), new Argument<string>("issuer"), new Argument<string>("victim"), new Argument<string>("address"));
    var command = new Command("attacker", "Tries a proxy with a stolen issuer's key") { data, issuer, victim, address };
    command.Hidden = true;
    command.SetAction((parsed, cancellationToken) => Attacker.RunAsync(
        parsed.GetRequiredValue(data), parsed.GetRequiredValue(issuer), parsed.GetRequiredValue(victim), parsed.GetRequiredValue(address), cancellationToken));
    root.Add(command);
}
