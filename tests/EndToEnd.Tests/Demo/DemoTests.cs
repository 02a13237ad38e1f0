using System.Text.Json;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Demo;

/// <summary><c>mesh demo</c>, as somebody runs it who has just cloned the project.</summary>
public class DemoTests
{
    [Fact]
    public async Task The_demo_shows_that_all_application_traffic_is_mtls_and_leaves_no_process_behind()
    {
        using var folder = new TempFolder();
        await using var demo = StartDemo(folder, "--duration", "8s", "--json", folder.File("edges.json"), "--set", "Leaf:Lifetime=6s");

        // Nine processes that start while other tests run.
        Assert.Equal(0, await demo.ExitedAsync(TimeSpan.FromMinutes(3)));

        using var json = JsonDocument.Parse(File.ReadAllText(folder.File("edges.json")));
        var application = json.RootElement.EnumerateArray().Where(edge => Text(edge, "kind") == "application").ToList();
        Assert.Equal(
            [("vote-bot", "web"), ("web", "emoji"), ("web", "voting")],
            application.Select(edge => (Account(edge, "source"), Account(edge, "destination"))).Order());
        Assert.All(application, edge => Assert.Equal(("true", "TLSv1.3"), (Text(edge, "tls"), Text(edge, "protocol"))));
        Assert.All(application, edge => Assert.True(ulong.Parse(Text(edge, "bytes_sent"), null) > 0 && ulong.Parse(Text(edge, "connections"), null) > 0));
        Assert.Equal(
            [
                ("application", "true", "", ""),
                ("ingress", "disabled", "no_tls_from_remote", ""),
                ("ingress", "opaque", "no_tls_from_remote", "vote.emojivoto.example"),
                ("probe", "disabled", "loopback", ""),
                ("scrape", "true", "", ""),
            ],
            json.RootElement.EnumerateArray().Select(edge => (Text(edge, "kind"), Text(edge, "tls"), Text(edge, "no_tls_reason"), Text(edge, "sni"))).Distinct().Order());
        Assert.All(
            json.RootElement.EnumerateArray().Where(edge => Text(edge, "kind") == "scrape"),
            edge => Assert.Equal("spiffe://mesh.example/ns/monitoring/sa/prometheus", Text(edge, "source")));
        Assert.Contains("spiffe://mesh.example/ns/emojivoto/sa/vote-bot", demo.StandardOutput, StringComparison.Ordinal);
        Assert.Empty(ProcessesOf(folder));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named_with_who_has_it_and_how_to_choose_others()
    {
        using var folder = new TempFolder();
        await using var application = new EchoApplication();

        await using var demo = TestProcess.StartDotnet("demo", Programs.Assembly("Cli", "mesh"),
            ["demo", "--no-build", "--data", folder.File("data"), "--set", $"Silo:HttpsListen={application.Address}"]);

        Assert.Equal(3, await demo.ExitedAsync(TimeSpan.FromSeconds(30)));
        Assert.Contains($"Port {application.Port} (silo HTTPS) is already taken by ", demo.Output, StringComparison.Ordinal);
        Assert.Contains("--set Silo:HttpsListen=", demo.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TestProcess.SigInt)]
    [InlineData(TestProcess.SigKill)]
    public async Task However_the_demo_is_ended_it_leaves_no_process_behind(int signal)
    {
        using var folder = new TempFolder();
        await using var demo = StartDemo(folder);
        await demo.SaysAsync("The voting page is at");
        Assert.NotEmpty(ProcessesOf(folder));

        demo.Signal(signal);
        var exitCode = await demo.ExitedAsync(TimeSpan.FromSeconds(30));

        await Eventually.UntilAsync(() => Task.FromResult(ProcessesOf(folder).Count), left => left == 0, "every process of the demo is gone");
        Assert.Equal(signal == TestProcess.SigKill ? 128 + signal : 0, exitCode);
    }

    [Fact]
    public async Task The_death_of_a_part_ends_the_demo_with_its_last_words()
    {
        using var folder = new TempFolder();
        await using var demo = StartDemo(folder);
        await demo.SaysAsync("The voting page is at");

        System.Diagnostics.Process.GetProcessById(ProcessesOf(folder).Single(process => process.CommandLine.Contains("ProxyHost.dll", StringComparison.Ordinal)).Id).Kill();
        var exitCode = await demo.ExitedAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(1, exitCode);
        Assert.Contains("proxyhost has ended by itself, exit code 137", demo.Output, StringComparison.Ordinal);
        Assert.Empty(ProcessesOf(folder));
    }

    // Whoever runs the tests in a shell's background has them ignore Ctrl-C, and so would the demo.
    private static TestProcess StartDemo(TempFolder folder, params string[] arguments) => TestProcess.Start("demo", "env",
        [
            "--default-signal=INT", "dotnet", Programs.Assembly("Cli", "mesh"), "demo", "--no-build", "--configuration", Programs.Configuration == "debug" ? "Debug" : "Release", "--data", folder.File("data"),
            .. PortSettings(), .. arguments,
        ]);

    // Ports that no other test has: a base from which the demo counts upwards.
    private static string[] PortSettings() => ["--base-port", FreePorts.NextRange(40).ToString(System.Globalization.CultureInfo.InvariantCulture)];

    private static string Text(JsonElement edge, string name) => edge.GetProperty(name).ToString();

    private static string Account(JsonElement edge, string name) => Text(edge, name)["spiffe://mesh.example/ns/emojivoto/sa/".Length..];

    // Every process that was told of the folder, but for the demo itself.
    private static List<(int Id, string CommandLine)> ProcessesOf(TempFolder folder) =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Where(path => int.TryParse(Path.GetFileName(path), out _))
            .Select(path => (Id: int.Parse(Path.GetFileName(path), null), CommandLine: CommandLineOf(path)))
            .Where(process => process.CommandLine.Contains(folder.Path, StringComparison.Ordinal) && !process.CommandLine.Contains("mesh.dll", StringComparison.Ordinal)),
    ];

    private static string CommandLineOf(string path)
    {
        try
        {
            return File.ReadAllText($"{path}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return "";
        }
    }
}
