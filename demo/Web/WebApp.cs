using Emojivoto.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Emojivoto.Web;

/// <summary>The workload <c>web</c>: a page to click on, and the API behind it.</summary>
internal static class WebApp
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(5);

    public static async Task RunAsync(string listen, Uri emojiUrl, Uri votingUrl)
    {
        using var emojiChannel = Open(emojiUrl);
        using var votingChannel = Open(votingUrl);
        var emoji = new EmojiService.EmojiServiceClient(emojiChannel);
        var voting = new VotingService.VotingServiceClient(votingChannel);
        var page = ReadPage();

        await using var app = Hosting.CreateBuilder(listen, HttpProtocols.Http1).Build();
        app.Use(TellUnavailableAsync);
        app.MapGet("/", (HttpContext context) =>
        {
            context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
            return Results.Text(page, "text/html; charset=utf-8");
        });
        app.MapGet("/api/list", async (CancellationToken cancel) =>
            (await emoji.ListAllAsync(new ListAllRequest(), deadline: Deadline(), cancellationToken: cancel)).Emojis
                .Select(one => new Choice(one.Shortcode, one.Text, 0)));
        app.MapGet("/api/leaderboard", async (CancellationToken cancel) =>
        {
            var texts = (await emoji.ListAllAsync(new ListAllRequest(), deadline: Deadline(), cancellationToken: cancel)).Emojis
                .ToDictionary(one => one.Shortcode, one => one.Text);
            var results = await voting.ResultsAsync(new ResultsRequest(), deadline: Deadline(), cancellationToken: cancel);
            return results.Results.Select(result => new Choice(result.Shortcode, texts.GetValueOrDefault(result.Shortcode, "?"), result.Votes));
        });
        app.MapPost("/api/vote", async (string choice, CancellationToken cancel) =>
        {
            var found = await emoji.FindAsync(new FindRequest { Shortcode = choice }, deadline: Deadline(), cancellationToken: cancel);
            if (found.Emoji is null)
            {
                return Results.NotFound($"There is no emoji '{choice}'.");
            }

            await voting.VoteAsync(new VoteRequest { Shortcode = choice }, deadline: Deadline(), cancellationToken: cancel);
            return Results.NoContent();
        });
        await app.RunAsync();
    }

    // Connections are renewed now and then, as well-behaved clients do so that they find new endpoints.
    private static GrpcChannel Open(Uri address) => GrpcChannel.ForAddress(address, new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromSeconds(5), UseProxy = false },
        DisposeHttpClient = true,
    });

    private static async Task TellUnavailableAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (RpcException e) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await context.Response.WriteAsync($"A service behind this page does not answer: {e.StatusCode}.\n");
        }
    }

    private static DateTime Deadline() => (TimeProvider.System.GetUtcNow() + CallLimit).UtcDateTime;

    private static string ReadPage()
    {
        using var stream = typeof(WebApp).Assembly.GetManifestResourceStream("index.html")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private sealed record Choice(string Shortcode, string Text, long Votes);
}
