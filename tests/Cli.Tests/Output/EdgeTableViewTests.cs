using Mesh.Admin.V1;
using Mesh.Cli.Output;
using Spectre.Console;

namespace Mesh.Cli.Tests.Output;

public sealed class EdgeTableViewTests
{
    private static readonly Edge[] Edges =
    [
        new()
        {
            Kind = "application", Source = "spiffe://mesh.example/ns/emojivoto/sa/vote-bot", Destination = "spiffe://mesh.example/ns/emojivoto/sa/web",
            Protocol = "TLSv1.3", Port = 8080, Tls = "true", Connections = 123_456, Open = 12, BytesSent = 1_000, BytesReceived = 536,
        },
        new()
        {
            Kind = "ingress", Destination = "spiffe://mesh.example/ns/emojivoto/sa/web", Protocol = "HTTP/1.1", Port = 8180, Tls = "disabled",
            NoTlsReason = "no_tls_from_remote", Connections = 7, Refused = 3, BytesSent = 1023L * 1024 * 1024,
        },
        new()
        {
            Kind = "application", Source = "spiffe://mesh.example/ns/emojivoto/sa/web", Destination = "legacy.shop:5432", Protocol = "TCP", Port = 5432,
            Tls = "no_identity", NoTlsReason = "not_provided_by_service_discovery", Connections = 1,
        },
        new()
        {
            Kind = "probe", Destination = "spiffe://mesh.example/ns/emojivoto/sa/web", Protocol = "HTTP/1.1", Port = 4191, Tls = "disabled",
            NoTlsReason = "loopback", Connections = 99,
        },
    ];

    [Fact]
    public void A_wide_console_shows_whole_identities_and_one_line_for_each_edge()
    {
        var lines = Render(TerminalWidth.Redirected, Edges);

        Assert.Equal(
            [
                "KIND SOURCE DESTINATION PROTOCOL PORT TLS CONNECTIONS OPEN BYTES",
                "application spiffe://mesh.example/ns/emojivoto/sa/vote-bot spiffe://mesh.example/ns/emojivoto/sa/web TLSv1.3 8080 true 123456 12 1.5 KiB",
                "ingress (no identity) spiffe://mesh.example/ns/emojivoto/sa/web HTTP/1.1 8180 disabled (no_tls_from_remote) 7 (3 refused) 0 1023.0 MiB",
                "application spiffe://mesh.example/ns/emojivoto/sa/web legacy.shop:5432 TCP 5432 no_identity (not_provided_by_service_discovery) 1 0 0 B",
                "probe - spiffe://mesh.example/ns/emojivoto/sa/web HTTP/1.1 4191 disabled (loopback) 99 0 0 B",
            ],
            lines.Where(line => !line.Contains('─', StringComparison.Ordinal)).Select(OneSpace));
    }

    [Fact]
    public void A_console_of_100_columns_shows_every_figure_and_every_name()
    {
        var lines = Render(100, Edges);
        var text = string.Join('\n', lines);

        Assert.All(lines, line => Assert.InRange(line.Length, 1, 100));
        Assert.DoesNotContain("…", text, StringComparison.Ordinal);
        foreach (var word in new[] { "application", "TLSv1.3", "8080", "123456", "12", "1.5 KiB", "(no identity)", "3 refused", "1023.0 MiB", "loopback" })
        {
            Assert.Contains(word, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_ordinary_table_on_100_columns_has_two_lines_for_each_edge()
    {
        var lines = Render(100, Edges[0], Edges[1], Edges[3]).Where(line => !line.Contains('─', StringComparison.Ordinal)).Select(OneSpace);

        Assert.Equal(
            [
                "KIND SOURCE → DESTINATION PROTOCOL PORT TLS CONNS OPEN BYTES",
                "application emojivoto/vote-bot TLSv1.3 8080 true 123456 12 1.5 KiB",
                "→ emojivoto/web",
                "ingress (no identity) HTTP/1.1 8180 disabled 7 0 1023.0 MiB",
                "→ emojivoto/web no_tls_from_remote 3 refused",
                "probe - HTTP/1.1 4191 disabled 99 0 0 B",
                "→ emojivoto/web loopback",
            ],
            lines);
    }

    [Fact]
    public void An_ordinary_table_on_120_columns_has_a_line_for_each_edge_and_one_for_its_reason()
    {
        var lines = Render(120, Edges[0], Edges[1]).Where(line => !line.Contains('─', StringComparison.Ordinal)).Select(OneSpace);

        Assert.Equal(
            [
                "KIND SOURCE DESTINATION PROTOCOL PORT TLS CONNS OPEN BYTES",
                "application emojivoto/vote-bot emojivoto/web TLSv1.3 8080 true 123456 12 1.5 KiB",
                "ingress (no identity) emojivoto/web HTTP/1.1 8180 disabled 7 0 1023.0 MiB",
                "no_tls_from_remote 3 refused",
            ],
            lines);
    }

    [Fact]
    public void The_name_that_TLS_asks_for_has_a_column_where_some_edge_has_one_or_stands_under_the_reason()
    {
        var opaque = new Edge
        {
            Kind = "ingress", Destination = "spiffe://mesh.example/ns/emojivoto/sa/web", Protocol = "TLS", Port = 8180, Tls = "opaque",
            NoTlsReason = "no_tls_from_remote", Sni = "shop.example.com", Connections = 2,
        };

        Assert.Equal(
            [
                "KIND SOURCE DESTINATION PROTOCOL PORT TLS SNI CONNECTIONS OPEN BYTES",
                "ingress (no identity) spiffe://mesh.example/ns/emojivoto/sa/web TLS 8180 opaque (no_tls_from_remote) shop.example.com 2 0 0 B",
                "probe - spiffe://mesh.example/ns/emojivoto/sa/web HTTP/1.1 4191 disabled (loopback) 99 0 0 B",
            ],
            Render(TerminalWidth.Redirected, opaque, Edges[3]).Where(line => !line.Contains('─', StringComparison.Ordinal)).Select(OneSpace));
        var narrow = Render(100, opaque, Edges[0], Edges[3]);
        Assert.All(narrow, line => Assert.InRange(line.Length, 1, 100));
        Assert.Contains("shop.example.com", string.Join('\n', narrow), StringComparison.Ordinal);
    }

    [Fact]
    public void A_console_of_80_columns_still_shows_every_figure()
    {
        var text = string.Join('\n', Render(80, Edges[0], Edges[1]));

        Assert.DoesNotContain("…", text, StringComparison.Ordinal);
        Assert.Contains("1023.0 MiB", text, StringComparison.Ordinal);
        Assert.Contains("123456", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Identities_that_are_no_workloads_are_never_shortened()
    {
        var text = string.Concat(Render(100, new Edge { Kind = "scrape", Source = "spiffe://mesh.example/metrics", Tls = "true" }));

        Assert.Contains("spiffe://", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_terminal_is_sent_no_colours_and_a_terminal_is()
    {
        Assert.DoesNotContain("\u001b", string.Concat(Render(TerminalWidth.Redirected, Edges)), StringComparison.Ordinal);
        Assert.Contains("\u001b[", string.Concat(Render(200, AnsiSupport.Yes, Edges)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0UL, "0 B")]
    [InlineData(1_023UL, "1023 B")]
    [InlineData(1_024UL, "1.0 KiB")]
    [InlineData(1_536UL, "1.5 KiB")]
    [InlineData(1_048_576UL, "1.0 MiB")]
    [InlineData(1_610_612_736UL, "1.5 GiB")]
    [InlineData(ulong.MaxValue, "16777216.0 TiB")]
    public void Bytes_are_told_in_units_of_1024(ulong count, string expected) => Assert.Equal(expected, EdgeTableView.Bytes(count));

    [Fact]
    public void Only_a_redirected_output_is_given_a_width()
    {
        var console = Console(new StringWriter(), 80, AnsiSupport.No);

        TerminalWidth.Apply(console.Profile, isRedirected: false);
        Assert.Equal(80, console.Profile.Width);

        TerminalWidth.Apply(console.Profile, isRedirected: true);
        Assert.True(console.Profile.Width > 4_096, "Two SPIFFE IDs of 2,048 characters do not fit.");
    }

    private static string OneSpace(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static List<string> Render(int width, params Edge[] edges) => Render(width, AnsiSupport.No, edges);

    private static List<string> Render(int width, AnsiSupport ansi, params Edge[] edges)
    {
        using var output = new StringWriter();
        var console = Console(output, width, ansi);
        console.Write(EdgeTableView.Build(edges, width));
        return [.. output.ToString().Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)];
    }

    private static IAnsiConsole Console(StringWriter output, int width, AnsiSupport ansi)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = ansi, ColorSystem = ColorSystemSupport.TrueColor });
        console.Profile.Width = width;
        return console;
    }
}
