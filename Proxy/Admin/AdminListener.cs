using System.Net;
using System.Net.Security;
using System.Text;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Admin;

/// <summary>
/// Probes and metrics over HTTP/1.1: one GET a connection, its head bounded in size and time. In plaintext for probes, in mutual TLS on the
/// same port for scrapers with an identity. A web server would weigh more than the rest of the proxy.
/// </summary>
internal sealed class AdminListener(int port, WorkloadIdentity identity, TlsContexts contexts, MetricsPage metrics, EdgeBook edges)
{
    private const int MaxHeadBytes = 8 * 1024;

    private static readonly Response Forbidden =
        new("403 Forbidden", "metrics are for loopback, and over mutual TLS for scrapers with an identity of the mesh\n");

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    // A scraper that holds its certificate itself, or one behind a proxy of the mesh. A scrape now and then needs no streams.
    private static readonly byte[] Protocols = MeshProtocol.Encode(SslApplicationProtocol.Http11, MeshProtocol.Tcp);

    public async Task ServeAsync(LoopSocket client)
    {
        client.Limit(Limit);
        if (await IsTlsAsync(client) is not { } isTls)
        {
            return;
        }

        if (!isTls)
        {
            using var plain = new PlainEnd(client);
            await AnswerAsync(plain, null);
            return;
        }

        if (identity.Credential is not { } credential || identity.Bundles.Held is null)
        {
            // Nobody can be judged yet.
            client.Abort();
            return;
        }

        using var tls = TlsConnection.Server(client, contexts.For(credential), chain => identity.Verify(chain), Protocols);
        if (!await tls.HandshakeAsync() || tls.Verdict?.Svid is not { } scraper)
        {
            client.Abort();
            return;
        }

        using var end = new TlsEnd(tls);
        await AnswerAsync(end, scraper.Id);
    }

    // Null: the client has gone, or dawdles.
    private static async ValueTask<bool?> IsTlsAsync(LoopSocket client)
    {
        while (await client.ReadableAsync())
        {
            var first = client.Loop.Scratch.AsMemory(0, 1);
            var count = client.Peek(first.Span);
            if (count != LoopSocket.WouldBlock)
            {
                // Whatever begins like a TLS record is one (RFC 8446 §5.1); no HTTP request does.
                return count > 0 ? first.Span[0] == 22 : null;
            }
        }

        return null;
    }

    private async ValueTask AnswerAsync(ConnectionEnd client, SpiffeId? scraper)
    {
        var remote = client.Socket.Remote;
        var head = await ReadHeadAsync(client);
        if (client.Socket.IsOver)
        {
            return;
        }

        var (path, response) = Answer(head, scraper is not null || (remote is not null && IPAddress.IsLoopback(remote.Address)));
        var bytes = Encode(response);
        if (await SendAsync(client, bytes))
        {
            Count(path, response.Status == Forbidden.Status, remote, scraper, head?.Length ?? 0, bytes.Length);
        }
    }

    // Null where what came is no HTTP head of bearable size.
    private static async ValueTask<string?> ReadHeadAsync(ConnectionEnd client)
    {
        var head = new List<byte>();
        while (head.Count < MaxHeadBytes)
        {
            var scratch = client.Socket.Loop.Scratch.AsSpan(0, MaxHeadBytes - head.Count);
            var read = client.Read(scratch, out _);
            if (read == LoopSocket.WouldBlock)
            {
                if (!await client.Socket.ReadableAsync())
                {
                    return null;
                }

                continue;
            }

            if (read <= 0)
            {
                return null;
            }

            head.AddRange(scratch[..read]);
            if (System.Runtime.InteropServices.CollectionsMarshal.AsSpan(head).IndexOf("\r\n\r\n"u8) >= 0)
            {
                return Encoding.Latin1.GetString([.. head]);
            }
        }

        return null;
    }

    private static async ValueTask<bool> SendAsync(ConnectionEnd client, byte[] bytes)
    {
        for (var at = 0; at < bytes.Length; at += EventLoop.BatchBytes)
        {
            if (!client.Write(bytes.AsSpan(at, Math.Min(EventLoop.BatchBytes, bytes.Length - at))) || !await client.DrainAsync())
            {
                return false;
            }
        }

        return await client.FinishAsync();
    }

    private (string Path, Response Response) Answer(string? head, bool mayScrape)
    {
        if (head?.Split("\r\n", 2)[0].Split(' ') is not [var method, var target, "HTTP/1.1" or "HTTP/1.0"])
        {
            return ("", new Response("400 Bad Request", "not an HTTP/1.1 request\n"));
        }

        var path = target.Split('?', 2)[0];
        var response = (method, path) switch
        {
            ("GET" or "HEAD", "/live") => new Response("200 OK", "live\n"),
            ("GET" or "HEAD", "/ready") => identity.IsReady
                ? new Response("200 OK", "ready\n")
                : new Response("503 Service Unavailable", identity.IsEquipped
                    ? "the trust lease has ended, or the trust bundle was not confirmed yet\n"
                    : "waiting for certificate, trust bundle and policy\n"),
            ("GET" or "HEAD", "/metrics") => mayScrape
                ? new Response("200 OK", metrics.Render())
                : Forbidden,
            (_, "/live" or "/ready" or "/metrics") => new Response("405 Method Not Allowed", "GET alone\n"),
            _ => new Response("404 Not Found", "/live, /ready and /metrics are here\n"),
        };
        return (path, response with { IsHeadAlone = method == "HEAD" });
    }

    private void Count(string path, bool isRefused, IPEndPoint? remote, SpiffeId? scraper, int received, int sent)
    {
        if (path is not ("/live" or "/ready" or "/metrics"))
        {
            return;
        }

        var kind = path == "/metrics" ? EdgeKind.Scrape : EdgeKind.Probe;
        var edge = edges.For(scraper is null
            ? new EdgeKey(
                kind, Direction.Inbound, "", "", port, "disabled",
                remote is not null && IPAddress.IsLoopback(remote.Address) ? "loopback" : "no_tls_from_remote", "HTTP/1.1")
            : new EdgeKey(kind, Direction.Inbound, scraper.ToString(), "", port, "true", "", "TLSv1.3"));
        if (isRefused)
        {
            edge.Refused();
            return;
        }

        edge.Opened();
        edge.FromOpener(received);
        edge.ToOpener(sent);
        edge.Closed(cleanly: true);
    }

    private static byte[] Encode(Response response) => Encoding.UTF8.GetBytes(
        $"HTTP/1.1 {response.Status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        + $"Content-Length: {Encoding.UTF8.GetByteCount(response.Body)}\r\nConnection: close\r\n\r\n{(response.IsHeadAlone ? "" : response.Body)}");

    private sealed record Response(string Status, string Body, bool IsHeadAlone = false);
}
