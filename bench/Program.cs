using System.CommandLine;
using Mesh.Bench.Demo;
using Mesh.Bench.Results;

// Exit codes: 0 every bound held, 1 a fault, 2 the command line is wrong, 4 a bound did not hold.
var json = new Option<string?>("--json") { Description = "Write the figures to this file, one flat JSON object", HelpName = "FILE", Recursive = true };
var root = new RootCommand("Measures what MeshOrleans promises, on real processes") { json };
Add("demo", "How soon the demo shows mTLS, and what each process weighs", DemoBench.RunAsync);
return await root.Parse(args).InvokeAsync();

void Add(string name, string description, Func<CancellationToken, Task<BenchReport>> run)
{
    var command = new Command(name, description);
    command.SetAction(async (parsed, cancellationToken) =>
    {
        var report = await run(cancellationToken);
        report.Print();
        if (parsed.GetValue(json) is { } file)
        {
            report.Write(file);
        }

        return report.Holds ? 0 : 4;
    });
    root.Add(command);
}
