using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Mesh.Cli.Tests.Support;

namespace Mesh.Cli.Tests.Commands;

/// <summary>Commands that ask a control plane: the program runs, the answers are a test's.</summary>
public sealed class QueryTests
{
    private const string Web = "spiffe://mesh.example/ns/emojivoto/sa/web";
    private const string Voting = "spiffe://mesh.example/ns/emojivoto/sa/voting";

    private static readonly ListEdgesResponse Edges = new()
    {
        Edges =
        {
            new Edge
            {
                Kind = "application", Source = Web, Destination = Voting, Protocol = "TLSv1.3", Port = 8080, Tls = "true", Connections = 5, BytesSent = 100,
            },
            new Edge
            {
                Kind = "ingress", Destination = Web, Protocol = "HTTP/1.1", Port = 80, Tls = "disabled", NoTlsReason = "no_tls_from_remote", Connections = 1,
            },
        },
    };

    [Fact]
    public async Task Edges_in_a_file_have_whole_identities_and_no_colours()
    {
        await using var plane = await FakeControlPlane.StartAsync(("ListEdges", Edges));

        var outcome = await plane.RunAsync("edges", "--namespace", "emojivoto");

        Assert.Equal((ExitCodes.Ok, ""), (outcome.ExitCode, outcome.Errors));
        Assert.Equal("emojivoto", plane.Asked<ListEdgesRequest>("ListEdges").Namespace);
        Assert.Contains(outcome.OutputLines, line => Words(line) == $"application {Web} {Voting} TLSv1.3 8080 true 5 0 100 B");
        Assert.Contains(outcome.OutputLines, line => Words(line) == $"ingress (no identity) {Web} HTTP/1.1 80 disabled (no_tls_from_remote) 1 0 0 B");
        Assert.DoesNotContain("\u001b", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Edges_in_JSON_have_the_protocols_names()
    {
        await using var plane = await FakeControlPlane.StartAsync(("ListEdges", Edges));

        var outcome = await plane.RunAsync("edges", "--output", "json");

        using var json = JsonDocument.Parse(outcome.Output);
        Assert.Equal(2, json.RootElement.GetArrayLength());
        var edge = json.RootElement[1];
        Assert.Equal(
            ("ingress", "", "disabled", "no_tls_from_remote", "1"),
            (Text(edge, "kind"), Text(edge, "source"), Text(edge, "tls"), Text(edge, "no_tls_reason"), Text(edge, "connections")));
    }

    [Fact]
    public async Task No_edges_are_said_to_be_none()
    {
        await using var plane = await FakeControlPlane.StartAsync(("ListEdges", new ListEdgesResponse()));

        Assert.Equal("No traffic seen in the last 10 minutes.\n", (await plane.RunAsync("edges")).Output);
        Assert.Equal("[]\n", (await plane.RunAsync("edges", "-o", "json")).Output);
    }

    [Fact]
    public async Task An_identity_is_shown_with_its_chain()
    {
        await using var plane = await FakeControlPlane.StartAsync(("ListIdentities", Identities()));

        var all = await plane.RunAsync("identity");
        var one = await plane.RunAsync("identity", "web");

        Assert.Contains(all.OutputLines, line => line.Contains(Web, StringComparison.Ordinal) && line.Contains("0123abcd", StringComparison.Ordinal));
        Assert.Contains(all.OutputLines, line => line.Contains(Voting, StringComparison.Ordinal));
        Assert.Contains($"{Web}, instance 0123abcd4567", one.Output, StringComparison.Ordinal);
        Assert.Contains("leaf", one.Output, StringComparison.Ordinal);
        Assert.Contains("CN=[web]", one.Output, StringComparison.Ordinal);
        Assert.Contains("2030-01-01 00:00:00Z", one.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Voting, one.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_identity_that_is_not_there_is_code_4()
    {
        await using var plane = await FakeControlPlane.StartAsync(("ListIdentities", Identities()));

        var outcome = await plane.RunAsync("identity", "emoji");

        Assert.Equal(ExitCodes.CheckFailed, outcome.ExitCode);
        Assert.Equal(["error: No live workload is called 'emoji'.", "  mesh identity lists those that are."], outcome.ErrorLines);
    }

    [Fact]
    public async Task A_refusal_is_code_6_with_the_control_planes_words()
    {
        await using var plane = await FakeControlPlane.StartAsync();

        var outcome = await plane.RunAsync("policy", "set-default", "emojivoto/web", "deny");

        Assert.Equal(ExitCodes.Refused, outcome.ExitCode);
        Assert.Equal(
            ["error: The control plane has refused: web is no workload of this mesh", "  Correct what it names; --help shows examples."], outcome.ErrorLines);
        var asked = plane.Asked<SetDefaultPolicyRequest>("SetDefaultPolicy");
        Assert.Equal(("emojivoto", "web", "deny"), (asked.Namespace, asked.ServiceAccount, asked.Mode));
    }

    [Theory]
    [InlineData("edges")]
    [InlineData("identity")]
    [InlineData("trust status")]
    [InlineData("service list")]
    [InlineData("token create-proxyhost proxyhost-1")]
    public async Task No_control_plane_is_code_5_and_says_where_it_was_looked_for(string line)
    {
        var outcome = await MeshProgram.RunAsync([.. line.Split(' '), "--data", "/nowhere"]);

        Assert.Equal(ExitCodes.Unreachable, outcome.ExitCode);
        Assert.Equal("error: No control plane answers at /nowhere/admin.sock.", outcome.ErrorLines[0]);
        Assert.StartsWith("  Is a silo running there? Name its data folder with --data", outcome.ErrorLines[1], StringComparison.Ordinal);
        Assert.Equal(2, outcome.ErrorLines.Length);
    }

    [Fact]
    public async Task The_version_is_shown_with_the_control_planes_and_without()
    {
        await using var plane = await FakeControlPlane.StartAsync(("GetVersion", new GetVersionResponse { Version = "9.9.9", TrustDomain = "mesh.example" }));

        Assert.Contains("control plane: 9.9.9 (mesh.example)", (await plane.RunAsync("version")).Output, StringComparison.Ordinal);
        var alone = await MeshProgram.RunAsync("version");
        Assert.Equal(ExitCodes.Ok, alone.ExitCode);
        Assert.Contains("control plane: not reached", alone.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_alone_is_on_stdout_so_that_it_can_be_piped()
    {
        await using var plane = await FakeControlPlane.StartAsync(("CreateWorkloadToken", new JoinToken { Token = "abc.def.ghi" }));

        var outcome = await plane.RunAsync("token", "create", "shop/web", "--address", "https://10.0.0.5:8086", "--lifetime", "30m");

        Assert.Equal("abc.def.ghi\n", outcome.Output);
        var asked = plane.Asked<CreateWorkloadTokenRequest>("CreateWorkloadToken");
        Assert.Equal(
            ("shop", "web", TimeSpan.FromMinutes(30), "https://10.0.0.5:8086"),
            (asked.Namespace, asked.ServiceAccount, asked.Lifetime.ToTimeSpan(), Assert.Single(asked.Addresses)));
    }

    [Fact]
    public async Task A_services_endpoints_are_sent_as_they_are_written()
    {
        await using var plane = await FakeControlPlane.StartAsync(("SetService", new Service { Name = "voting.shop:80" }));

        var outcome = await plane.RunAsync("service", "set", "voting.shop:80", "--endpoint", $"10.0.0.1:4143={Voting}", "--endpoint", "10.0.0.2:80");

        Assert.Equal(ExitCodes.Ok, outcome.ExitCode);
        Assert.Equal(
            [new Endpoint { Address = "10.0.0.1:4143", SpiffeId = Voting }, new Endpoint { Address = "10.0.0.2:80" }],
            plane.Asked<SetServiceRequest>("SetService").Endpoints);
    }

    [Fact]
    public async Task A_services_addresses_are_sent_and_shown()
    {
        var service = new Service { Name = "voting.shop:80", Addresses = { "10.96.0.7", "fd00::7" }, Endpoints = { new Endpoint { Address = "10.0.0.2:80" } } };
        await using var plane = await FakeControlPlane.StartAsync(("SetService", service), ("GetService", service));

        var set = await plane.RunAsync("service", "set", "voting.shop:80", "--address", "10.96.0.7", "--address", "fd00::7");
        var shown = await plane.RunAsync("service", "show", "voting.shop:80");

        Assert.Equal((ExitCodes.Ok, ExitCodes.Ok), (set.ExitCode, shown.ExitCode));
        Assert.Equal(["10.96.0.7", "fd00::7"], plane.Asked<SetServiceRequest>("SetService").Addresses);
        Assert.Equal("voting.shop:80", plane.Asked<GetServiceRequest>("GetService").Name);
        Assert.Contains(shown.OutputLines, line => Words(line) == "voting.shop:80 10.96.0.7, fd00::7 10.0.0.2:80 -");
    }

    [Theory]
    [InlineData("25,9000-9100", true, "25,9000-9100")]
    [InlineData("none", true, "")]
    [InlineData("default", false, "")]
    public async Task Opaque_ports_are_a_list_or_none_or_the_proxys_own(string written, bool isSent, string ports)
    {
        var answer = new OpaquePorts { Namespace = "shop", ServiceAccount = "db" };
        if (isSent)
        {
            answer.Ports = ports;
        }

        await using var plane = await FakeControlPlane.StartAsync(("SetOpaquePorts", answer));

        var outcome = await plane.RunAsync("policy", "set", "shop/db", "--opaque-ports", written);

        Assert.Equal((ExitCodes.Ok, $"shop/db: opaque ports {written}\n"), (outcome.ExitCode, outcome.Output));
        var asked = plane.Asked<SetOpaquePortsRequest>("SetOpaquePorts");
        Assert.Equal(("shop", "db", isSent, ports), (asked.Namespace, asked.ServiceAccount, asked.HasPorts, asked.Ports));
    }

    private static ListIdentitiesResponse Identities() => new() { Identities = { Of(Web, "web"), Of(Voting, "voting") } };

    private static Identity Of(string id, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // A name that would be markup if it were not escaped.
        var request = new CertificateRequest($"CN=[{name}]", key, HashAlgorithmName.SHA256);
        var (from, until) = (new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var certificate = request.CreateSelfSigned(from, until);
        return new Identity
        {
            SpiffeId = id, InstanceId = "0123abcd4567", NotBefore = from.ToTimestamp(), NotAfter = until.ToTimestamp(), DefaultPolicy = "cluster-authenticated",
            Proxyhost = "proxyhost-0", Chain = { certificate.ExportCertificatePem() },
        };
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static string Words(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
