using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Spectre.Console;

namespace Mesh.Cli.Demo;

/// <summary>What a person sees of the demo: progress, a table that repaints itself on a terminal, plain lines elsewhere.</summary>
internal sealed class DemoScreen(bool asJson)
{
    private readonly bool _isTerminal = !asJson && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
    private readonly List<string> _notes = [];

    public async Task ProgressAsync(string title, Func<Action<string>, Task> work)
    {
        if (_isTerminal)
        {
            await AnsiConsole.Status().Spinner(Spinner.Known.Dots).StartAsync($"{title} …", status => work(text => status.Status($"{text} …")));
            return;
        }

        Tell($"{title} …");
        await work(text => Tell($"{text} …"));
    }

    /// <summary>Says one line: beside the table on a terminal, on stderr elsewhere, where stdout is for results.</summary>
    public void Tell(string line)
    {
        if (!_isTerminal)
        {
            Console.Error.WriteLine(line);
            return;
        }

        lock (_notes)
        {
            _notes.Add(line);
            if (_notes.Count > 4)
            {
                _notes.RemoveAt(1);
            }
        }
    }

    /// <summary>Repaints the table while the work goes on.</summary>
    public async Task LiveAsync(Func<Action<IReadOnlyList<Edge>>, Task> work)
    {
        if (!_isTerminal)
        {
            await work(_ => { });
            return;
        }

        await AnsiConsole.Live(new Text("")).AutoClear(true).StartAsync(live => work(edges =>
        {
            lock (_notes)
            {
                live.UpdateTarget(new Rows([
                    .. _notes.Select(note => new Text(note)), EdgeTableView.Build(edges, AnsiConsole.Profile.Width),
                ]));
            }
        }));
    }

    /// <summary>The last table.</summary>
    public void Final(IReadOnlyList<Edge> edges)
    {
        if (asJson)
        {
            var list = new ListEdgesResponse();
            list.Edges.AddRange(edges);
            Console.WriteLine(JsonOutput.Of(list.Edges));
            return;
        }

        AnsiConsole.Write(EdgeTableView.Build(edges, AnsiConsole.Profile.Width));
    }
}
