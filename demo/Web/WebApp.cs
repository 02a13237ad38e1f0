using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Emojivoto.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Emojivoto.Web;

/// <summary>The workload <c>web</c>: a page to click on, and the API behind it.</summary>
internal static class WebApp
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(5);

    /// <param name="tls">Where it listens in TLS of its own, and the name that its certificate has; null: nowhere.</param>
    public static async Task RunAsync(string listen, Uri emojiUrl, Uri votingUrl, (string Listen, string Name)? tls)
    {
        using var emojiChannel = Open(emojiUrl);
        using var votingChannel = Open(votingUrl);
        var emoji = new EmojiService.EmojiServiceClient(emojiChannel);
        var voting = new VotingService.VotingServiceClient(votingChannel);
        var page = ReadPage();

        using var certificate = tls is { } own ? SelfSigned(own.Name) : null;
        var builder = Hosting.CreateBuilder(listen, HttpProtocols.Http1);
        if (tls is { Listen: var secure })
        {
            builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPEndPoint.Parse(secure), endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http1;
                endpoint.UseHttps(certificate!);
            }));
        }

        await using var app = builder.Build();
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

    // As a site has that is not the mesh's business.
    private static X509Certificate2 SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddDays(30));
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
