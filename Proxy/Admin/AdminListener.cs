using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Admin;

/// <summary>
/// Probes and metrics over HTTP/1.1: one GET a connection, its head bounded in size and time. A web server would weigh more than
/// the rest of the proxy.
/// </summary>
internal sealed class AdminListener(int port, WorkloadIdentity identity, MetricsPage metrics, EdgeBook edges)
{
    private const int MaxHeadBytes = 8 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public async Task ServeAsync(Socket client, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            var remote = client.RemoteEndPoint as IPEndPoint;
            var head = await ReadHeadAsync(client, limit.Token);
            var (path, response) = Answer(head);
            var bytes = Encode(response);
            await client.SendAsync(bytes, SocketFlags.None, limit.Token);
            client.Shutdown(SocketShutdown.Send);
            Count(path, remote, head?.Length ?? 0, bytes.Length);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException)
        {
            // A client that goes, or dawdles, has had its answer.
        }
    }

    // Null where what came is no HTTP head of bearable size.
    private static async Task<string?> ReadHeadAsync(Socket client, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxHeadBytes];
        var length = 0;
        while (length < buffer.Length)
        {
            var read = await client.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancellationToken);
            if (read == 0)
            {
                return null;
            }

            length += read;
            if (buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) >= 0)
            {
                return Encoding.Latin1.GetString(buffer, 0, length);
            }
        }

        return null;
    }

    private (string Path, Response Response) Answer(string? head)
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
            ("GET" or "HEAD", "/metrics") => new Response("200 OK", metrics.Render()),
            (_, "/live" or "/ready" or "/metrics") => new Response("405 Method Not Allowed", "GET alone\n"),
            _ => new Response("404 Not Found", "/live, /ready and /metrics are here\n"),
        };
        return (path, response with { IsHeadAlone = method == "HEAD" });
    }

    private void Count(string path, IPEndPoint? remote, int received, int sent)
    {
        if (path is not ("/live" or "/ready" or "/metrics"))
        {
            return;
        }

        var edge = edges.For(new EdgeKey(
            path == "/metrics" ? EdgeKind.Scrape : EdgeKind.Probe,
            Direction.Inbound, "", "", port, "disabled",
            remote is not null && IPAddress.IsLoopback(remote.Address) ? "loopback" : "no_tls_from_remote",
            "HTTP/1.1"));
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
