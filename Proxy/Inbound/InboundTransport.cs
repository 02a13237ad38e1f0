using System.Net;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Streams;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Inbound;

/// <summary>Finds out what a connection from outside is, terminates its TLS, asks what is to become of it, and carries it to the application.</summary>
/// <param name="contexts">TLS under the workload's certificate.</param>
/// <param name="check">Judges clients.</param>
/// <param name="connectTimeout">How long the application may take to accept.</param>
/// <param name="edges">Counts what is carried.</param>
internal sealed class InboundTransport(TlsContexts contexts, PeerCheck check, TimeSpan connectTimeout, EdgeBook edges)
{
    // A little longer than the other side keeps them, so that the one that might still use a connection is the one that closes it.
    private static readonly TimeSpan MaxIdleTime = StreamPool.MaxIdleTime + TimeSpan.FromSeconds(15);

    private readonly PerLoop<HashSet<StreamConnection>> _idle = new(_ => []);
    private volatile bool _isStopping;

    /// <summary>Serves a connection until it ends.</summary>
    /// <param name="client">Ended when this returns.</param>
    /// <param name="credential">What the workload shows.</param>
    /// <param name="detectTimeout">How long the client may take to say what it speaks.</param>
    /// <param name="decide">Given who comes and how, where to or why not; asked for each stream.</param>
    /// <returns>Null after the connection was carried or refused, else why the application was not reached.</returns>
    public async Task<OpenFailure?> ServeAsync(
        LoopSocket client, SvidCredential credential, TimeSpan detectTimeout, Func<Arrival, Decision> decide)
    {
        if (await ProtocolDetector.DetectAsync(client, credential.Svid.Id.DnsName, detectTimeout) is not { } detection)
        {
            return null;
        }

        if (detection.Kind != ArrivalKind.Mesh)
        {
            using var plain = new PlainEnd(client);
            return await CarryAsync(plain, decide(new Arrival(
                detection.Kind, client.Remote, null, null, null, detection.ServerName, detection.LooksLikeHttp)));
        }

        using var tls = TlsConnection.Server(client, contexts.For(credential), check, MeshProtocol.Wanted);
        client.Limit(TlsConnection.HandshakeTimeout);
        var isDone = await tls.HandshakeAsync();
        client.LiftLimit();
        if (!isDone)
        {
            decide(new Arrival(ArrivalKind.Mesh, client.Remote, tls.Verdict, tls.Failure, null, "", LooksLikeHttp: false));
            client.Abort();
            return null;
        }

        if (tls.HasStreams)
        {
            return await ServeStreamsAsync(new StreamConnection(tls), decide);
        }

        using var end = new TlsEnd(tls);
        return await CarryAsync(end, decide(ArrivalOf(tls)));
    }

    /// <summary>Closes what is between two streams, on the loop that this runs on, and from now on what has come to the end of one: the proxy stops.</summary>
    public void CloseIdle(EventLoop loop)
    {
        _isStopping = true;
        foreach (var connection in _idle[loop].ToArray())
        {
            connection.Close();
        }
    }

    private async Task<OpenFailure?> ServeStreamsAsync(StreamConnection client, Func<Arrival, Decision> decide)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            if (await NextStreamAsync(client, isFirst) is not { } port)
            {
                return null;
            }

            // Each stream is judged by what is in force now: the handshake may be long ago.
            var decision = decide(ArrivalOf(client.Tls) with { Client = check(client.Tls.PeerChain), Port = port });
            if (decision.Target is not { } address)
            {
                await RefuseAsync(client, decision.Refusal);
                return null;
            }

            var (application, failure) = await ConnectAsync(client.Socket.Loop, address, decision.From);
            if (application is null)
            {
                await RefuseAsync(client, RefusalCode.Unreachable);
                return failure;
            }

            using var acceptor = new PlainEnd(application);
            client.Socket.Limit(TlsConnection.HandshakeTimeout);
            var isSaid = await client.SayAsync(FrameType.Accept, 0, 0);
            client.Socket.LiftLimit();
            if (!isSaid || !await CarryAsync(client, acceptor, decision) || !client.IsBetweenStreams)
            {
                client.Abort();
                return null;
            }

            if (_isStopping)
            {
                // The next stream goes elsewhere, or the drain would never end.
                client.Close();
                return null;
            }

            client.Restart();
        }
    }

    // The port that the next stream is for; null: none comes.
    private async ValueTask<int?> NextStreamAsync(StreamConnection client, bool isFirst)
    {
        client.Socket.Limit(isFirst ? TlsConnection.HandshakeTimeout : MaxIdleTime);
        if (!isFirst)
        {
            SetIdle(client, true);
        }

        var head = await client.ReadHeadAsync();
        if (!isFirst)
        {
            SetIdle(client, false);
        }

        client.Socket.LiftLimit();
        return head is (FrameType.Open, var port) ? port : null;
    }

    private void SetIdle(StreamConnection client, bool isIdle)
    {
        var idle = _idle[client.Socket.Loop];
        _ = isIdle ? idle.Add(client) : idle.Remove(client);
        client.Socket.Listener?.CountIdle(client.Socket, isIdle);
    }

    private static async ValueTask RefuseAsync(StreamConnection client, RefusalCode code)
    {
        client.Socket.Limit(TlsConnection.HandshakeTimeout);
        if (await client.SayAsync(FrameType.Refuse, (byte)code, 1))
        {
            client.Close();
        }
    }

    private async Task<OpenFailure?> CarryAsync(ConnectionEnd client, Decision decision)
    {
        if (decision.Target is not { } address)
        {
            client.Abort();
            return null;
        }

        var (application, failure) = await ConnectAsync(client.Socket.Loop, address, decision.From);
        if (application is null)
        {
            client.Abort();
            return failure;
        }

        using var acceptor = new PlainEnd(application);
        await CarryAsync(client, acceptor, decision);
        return null;
    }

    private async Task<bool> CarryAsync(ConnectionEnd client, PlainEnd application, Decision decision)
    {
        client.Socket.Listener?.IsKnown(client.Socket);
        using var registration = decision.Connection?.Invoke(ConnectionAbort.Of(client, application));
        return await Carriage.RunAsync(client, application, edges.For(decision.Edge));
    }

    private ValueTask<(LoopSocket? Application, OpenFailure? Failure)> ConnectAsync(EventLoop loop, IPEndPoint address, IPAddress? from) =>
        Connector.ConnectAsync(loop, address, connectTimeout, from);

    private static Arrival ArrivalOf(TlsConnection tls) =>
        new(ArrivalKind.Mesh, tls.Socket.Remote, tls.Verdict, null, null, "", LooksLikeHttp: false);
}
