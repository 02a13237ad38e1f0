using Mesh.Proxy.Loops;
using Mesh.Proxy.Streams;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Outbound;

/// <summary>Carries connections of the application to endpoints, over TLS connections that are used again where the other side knows how.</summary>
internal sealed class OutboundTransport
{
    // The port that the connection was made to: whatever leads there may have translated its number.
    private const int OwnPort = 0;

    private readonly PerLoop<StreamPool> _pools;
    private readonly TlsContexts _contexts;
    private readonly TimeSpan _connectTimeout;

    /// <param name="contexts">TLS under the workload's certificate.</param>
    /// <param name="connectTimeout">How long a TCP connect may take.</param>
    /// <param name="maxIdle">How many connections a loop keeps for the next stream, for each endpoint.</param>
    public OutboundTransport(TlsContexts contexts, TimeSpan connectTimeout, int maxIdle)
    {
        (_contexts, _connectTimeout) = (contexts, connectTimeout);
        _pools = new(_ => new StreamPool(maxIdle));
    }

    /// <summary>Carries a connection of the application to an endpoint until it ends.</summary>
    /// <param name="application">Ended once the endpoint was reached; until then nothing is read from it, so that another endpoint may be tried.</param>
    /// <param name="target">Where to, and who must answer there.</param>
    /// <returns>Null after the connection was carried, else why the endpoint was not used.</returns>
    public async Task<OpenFailure?> ForwardAsync(LoopSocket application, OutboundTarget target)
    {
        if (target is not { Credential: { } credential, Server: { } server })
        {
            return await ForwardPlainAsync(application, target);
        }

        var key = new StreamPoolKey(credential, server, target.Address);
        var pool = _pools[application.Loop];
        while (pool.Take(key) is { } kept)
        {
            if (!target.Check(kept.Tls.PeerChain).IsValid)
            {
                // Valid no more since the bundle has changed, or by time; a new handshake says how.
                kept.Dispose();
                continue;
            }

            var (isOpen, isSilent, failure) = await OpenStreamAsync(kept, target);
            if (isOpen)
            {
                await CarryStreamAsync(application, kept, target, pool, key);
                return null;
            }

            if (isSilent)
            {
                // Somewhere on the way it was forgotten, and its siblings with it; a new one finds out whether anybody is there.
                pool.Clear(key);
                break;
            }

            if (failure is not null)
            {
                return failure;
            }

            // The other side has closed it meanwhile. Nothing of the application was read, so the next one may do.
        }

        return await ForwardAnewAsync(application, target, credential, server, pool, key);
    }

    /// <summary>Closes what is between two streams, on the loop that this runs on: the proxy stops.</summary>
    public void CloseIdle(EventLoop loop) => _pools[loop].Close();

    private async Task<OpenFailure?> ForwardPlainAsync(LoopSocket application, OutboundTarget target)
    {
        var (socket, failure) = await Connector.ConnectAsync(application.Loop, target.Address, _connectTimeout);
        if (socket is null)
        {
            return failure;
        }

        using var server = new PlainEnd(socket);
        var said = await FirstWords.OfAsync(application, socket);
        await CarryAsync(application, server, [], target, said);
        return null;
    }

    private async Task<OpenFailure?> ForwardAnewAsync(
        LoopSocket application, OutboundTarget target, SvidCredential credential, SpiffeId server, StreamPool pool, StreamPoolKey key)
    {
        var (socket, unreachable) = await Connector.ConnectAsync(application.Loop, target.Address, _connectTimeout);
        if (socket is null)
        {
            return unreachable;
        }

        TlsConnection tls;
        bool isDone;
        try
        {
            tls = TlsConnection.Client(socket, _contexts.For(credential), server.DnsName, target.Check);
            socket.Limit(TlsConnection.HandshakeTimeout);
            isDone = await tls.HandshakeAsync();
            socket.LiftLimit();
        }
        catch
        {
            // Nobody else knows of it.
            socket.Dispose();
            throw;
        }

        if (!isDone || tls.Verdict is not { IsValid: true })
        {
            tls.Dispose();
            return FailureOf(tls);
        }

        if (!tls.HasStreams)
        {
            using var end = new TlsEnd(tls);
            await CarryAsync(application, end, tls.PeerChain, target);
            return null;
        }

        var stream = new StreamConnection(tls);
        var (isOpen, _, failure) = await OpenStreamAsync(stream, target);
        if (!isOpen)
        {
            return failure ?? FailureOf(tls);
        }

        await CarryStreamAsync(application, stream, target, pool, key);
        return null;
    }

    // Not open, and no failure: the connection is gone.
    private async ValueTask<(bool IsOpen, bool IsSilent, OpenFailure? Failure)> OpenStreamAsync(StreamConnection stream, OutboundTarget target)
    {
        // The other side asks its application before it answers, which may take as long as a connect.
        stream.Socket.Limit(_connectTimeout + _connectTimeout);
        var answer = await stream.SayAsync(FrameType.Open, OwnPort, sizeof(ushort)) ? await stream.ReadHeadAsync() : null;
        if (answer is (FrameType.Accept, _))
        {
            stream.Socket.LiftLimit();
            return (true, false, null);
        }

        var isLate = stream.Socket.IsLate;
        stream.Dispose();
        return (false, answer is null && isLate, answer switch
        {
            (FrameType.Refuse, var code) => Refused((RefusalCode)code, target),
            _ when isLate => new OpenFailure("connect", $"{target.Address} did not answer for its application"),
            _ => null,
        });
    }

    private static OpenFailure Refused(RefusalCode code, OutboundTarget target) => code switch
    {
        RefusalCode.Policy => new("refused", $"{target.Address} refuses this workload by its policy"),
        RefusalCode.NotReady => new("refused", $"{target.Address} is not ready"),
        RefusalCode.Unreachable => new("connect", $"the application behind {target.Address} did not answer"),
        RefusalCode.Port => new("refused", $"{target.Address} has no such port"),
        RefusalCode.Revoked => new(nameof(SvidRejection.Revoked), $"{target.Address} has heard that this workload's certificate is revoked"),
        _ => new("refused", $"{target.Address} refuses for a reason that is not known here: {(int)code}"),
    };

    private static OpenFailure FailureOf(TlsConnection tls) => tls.Verdict is { IsValid: false } verdict
        ? new OpenFailure(verdict.Rejection.ToString(), verdict.Detail)
        : new OpenFailure(tls.IsRevokedForPeer ? nameof(SvidRejection.Revoked) : "handshake", tls.Failure ?? "the server has shown no certificate");

    private static async Task CarryStreamAsync(
        LoopSocket application, StreamConnection stream, OutboundTarget target, StreamPool pool, StreamPoolKey key)
    {
        if (await CarryAsync(application, stream, stream.Tls.PeerChain, target))
        {
            pool.Put(key, stream);
        }
        else
        {
            stream.Dispose();
        }
    }

    private static async Task<bool> CarryAsync(
        LoopSocket application, ConnectionEnd server, IReadOnlyList<ReadOnlyMemory<byte>> chain, OutboundTarget target, Detection? said = null)
    {
        application.Listener?.IsKnown(application);
        using var opener = new PlainEnd(application);
        using var registration = target.Opened(chain, ConnectionAbort.Of(opener, server));
        return await Carriage.RunAsync(opener, server, target.EdgeOf(said));
    }
}
