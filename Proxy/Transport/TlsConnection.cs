using System.Runtime.ExceptionServices;
using Mesh.Proxy.Loops;
using Mesh.Proxy.Native;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

/// <summary>Mutual TLS over a socket of a loop. Owns its socket; used on its loop's thread alone.</summary>
/// <remarks>
/// What a step wants to send leaves in one system call; what the socket does not take is kept here, and nothing further may be written
/// before it has gone: that is the back-pressure.
/// </remarks>
internal sealed class TlsConnection : ISslDriver, IDisposable
{
    /// <summary>How long a peer may take for its handshake, and for each word that is due from it alone.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    // What the peer may have us answer by itself (KeyUpdate) while it reads nothing.
    private const int MaxUnreadAnswers = 64 * 1024;

    // What one step takes off the wire, however little of it is for the application: OpenSSL itself reads on for as long as KeyUpdates come.
    private const int MaxWireBytesInRead = EventLoop.BatchBytes;

    // More than this is said for TLS's own sake alone by nobody who means well: a record, and what was read ahead, are less.
    private const int MaxWireBytesWithoutData = 2 * EventLoop.BatchBytes;

    private const int RecordOverheadBytes = 1_024;

    private const int ReasonNoCertificate = 199;
    private const int ReasonAlertRevoked = 1_044;

    private readonly SslHandle _ssl;
    private readonly PeerCheck _check;
    private readonly EventLoop _loop;
    private readonly byte[] _protocols;
    private KeptBytes _kept;
    private Exception? _fault;
    private int _wireBytesInRead;
    private int _wireBytesWithoutData;
    private bool _isEnded;
    private bool _isBroken;

    private TlsConnection(LoopSocket socket, TlsContext context, PeerCheck check, byte[] protocols)
    {
        (Socket, _check, _loop, _protocols) = (socket, check, socket.Loop, protocols);
        _ssl = OpenSsl.New(context.Handle);
        if (_ssl.IsInvalid)
        {
            throw SslCredentials.Refused("one more connection");
        }

        SslBridge.Attach(_ssl);
    }

    public LoopSocket Socket { get; }

    /// <summary>What became of the peer's chain; null where it has shown none yet.</summary>
    public SvidVerification? Verdict { get; private set; }

    /// <summary>The peer's chain, leaf first.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> PeerChain { get; private set; } = [];

    /// <summary>Why it failed, in a few words; null while it has not.</summary>
    public string? Failure { get; private set; }

    /// <summary>The peer has refused our certificate since it, or one that vouches for it, was revoked.</summary>
    public bool IsRevokedForPeer { get; private set; }

    /// <summary>Whether both sides speak of one stream after the other.</summary>
    public bool HasStreams { get; private set; }

    /// <summary>Something that was written has not left yet.</summary>
    public bool HasKept => _kept.Count > 0;

    ReadOnlySpan<byte> ISslDriver.Protocols => _protocols;

    Exception? ISslDriver.Fault
    {
        set => _fault = value;
    }

    /// <summary>The side that was connected to.</summary>
    /// <param name="protocols">What it speaks, as in RFC 7301 §3.1, most wanted first.</param>
    public static TlsConnection Server(LoopSocket socket, TlsContext context, PeerCheck check, byte[] protocols)
    {
        var connection = new TlsConnection(socket, context, check, protocols);
        OpenSsl.SetAcceptState(connection._ssl);
        return connection;
    }

    /// <summary>The side that has connected.</summary>
    /// <param name="serverName">SNI.</param>
    public static TlsConnection Client(LoopSocket socket, TlsContext context, string serverName, PeerCheck check)
    {
        var connection = new TlsConnection(socket, context, check, []);
        OpenSsl.SetConnectState(connection._ssl);
        _ = OpenSsl.Control(connection._ssl, OpenSsl.ControlServerName, 0, serverName);
        return connection;
    }

    /// <summary>Shakes hands, within the socket's limit.</summary>
    /// <returns>False: see <see cref="Failure"/> and <see cref="Verdict"/>.</returns>
    public async ValueTask<bool> HandshakeAsync()
    {
        while (true)
        {
            switch (Step())
            {
                case OpenSsl.Ok:
                    // Whole batches a system call, for those who have shown who they are; before that, a record at a time will do.
                    OpenSsl.SetReadBufferLength(_ssl, EventLoop.BatchBytes + RecordOverheadBytes);
                    OpenSsl.SetReadAhead(_ssl, 1);
                    HasStreams = SslBridge.ProtocolOf(_ssl).SequenceEqual(MeshProtocol.Streams.Protocol.Span);
                    return true;
                case LoopSocket.WouldBlock when HasKept ? await Socket.WritableAsync() && Flush() : await Socket.ReadableAsync():
                    break;
                case LoopSocket.WouldBlock:
                    Failure ??= Socket.IsLate ? "no handshake in time" : "the connection was closed";
                    return false;
                default:
                    return false;
            }
        }
    }

    /// <summary>Reads what the peer has said.</summary>
    /// <returns>How many bytes; 0 when the peer has said that it is done; <see cref="LoopSocket.WouldBlock"/>, though there may be more for
    /// another turn: see <see cref="LoopSocket.IsReadable"/>; <see cref="LoopSocket.Failed"/>.</returns>
    public int Read(Span<byte> buffer)
    {
        var total = 0;
        if (!Socket.IsClosed)
        {
            SslBridge.Driver = this;
            _wireBytesInRead = 0;
            while (total < buffer.Length && !_isEnded && !_isBroken && (Socket.IsReadable || OpenSsl.HasPending(_ssl) != 0))
            {
                var read = OpenSsl.Read(_ssl, buffer[total..], buffer.Length - total);
                if (read > 0)
                {
                    total += read;
                    _wireBytesWithoutData = 0;
                    continue;
                }

                TakeOutcome(read);
                break;
            }

            if (_loop.Outgoing.Count > 0 && (!SendOutgoing() || _kept.Count > EventLoop.BatchBytes + RecordOverheadBytes + MaxUnreadAnswers))
            {
                Break("the peer reads nothing");
            }
        }

        return total > 0 ? total
            : _isEnded ? 0
            : _isBroken || Socket.IsClosed ? LoopSocket.Failed
            : LoopSocket.WouldBlock;
    }

    /// <summary>Sends, or keeps what can't be sent now; see <see cref="HasKept"/>.</summary>
    /// <param name="bytes">At most <see cref="EventLoop.BatchBytes"/>.</param>
    /// <returns>False: the connection has failed.</returns>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        if (_isBroken || Socket.IsClosed)
        {
            return false;
        }

        SslBridge.Driver = this;
        if (OpenSsl.Write(_ssl, bytes, bytes.Length) != bytes.Length)
        {
            _loop.Outgoing.Clear();
            return Break(SslBridge.TakeError().Reason ?? "the connection has failed");
        }

        return SendOutgoing() || Break("the connection has failed");
    }

    /// <summary>Sends what is kept, as far as it goes.</summary>
    /// <returns>False: the connection has failed.</returns>
    public bool Flush() => _kept.SendTo(Socket) || Break("the connection has failed");

    /// <summary>Says TLS's last word (RFC 8446 §6.1): nothing more comes from here.</summary>
    /// <returns>False: the connection has failed.</returns>
    public bool Finish()
    {
        if (_isBroken || Socket.IsClosed)
        {
            return false;
        }

        SslBridge.Driver = this;
        if (OpenSsl.Shutdown(_ssl) < 0)
        {
            _loop.Outgoing.Clear();
            return Break(SslBridge.TakeError().Reason ?? "the connection has failed");
        }

        return SendOutgoing() || Break("the connection has failed");
    }

    public void Dispose()
    {
        Socket.Dispose();
        _ssl.Dispose();
        _kept.Clear();
    }

    int ISslDriver.ReceiveFromWire(Span<byte> buffer, out bool wouldBlock)
    {
        wouldBlock = _wireBytesInRead >= MaxWireBytesInRead;
        if (wouldBlock || _wireBytesWithoutData >= MaxWireBytesWithoutData)
        {
            return -1;
        }

        var read = Socket.Receive(buffer);
        wouldBlock = read == LoopSocket.WouldBlock;
        _wireBytesInRead += Math.Max(read, 0);
        _wireBytesWithoutData += Math.Max(read, 0);
        return Math.Max(read, -1);
    }

    bool ISslDriver.SendToWire(ReadOnlySpan<byte> bytes) => _loop.Outgoing.TryAdd(bytes);

    int ISslDriver.Judge(IReadOnlyList<ReadOnlyMemory<byte>> chainDer)
    {
        Verdict = _check(chainDer);
        // One copy for all connections of a peer.
        PeerChain = Verdict is { IsValid: true, Svid: { } svid } ? svid.Chain : chainDer;
        return Verdict.Rejection switch
        {
            SvidRejection.None => OpenSsl.VerifyOk,
            SvidRejection.Revoked => OpenSsl.VerifyErrorRevoked,
            SvidRejection.Expired => OpenSsl.VerifyErrorExpired,
            SvidRejection.UnknownAuthority => OpenSsl.VerifyErrorUnknownIssuer,
            _ => OpenSsl.VerifyErrorApplication,
        };
    }

    private int Step()
    {
        SslBridge.Driver = this;
        // OpenSSL bounds what a handshake may say.
        (_wireBytesInRead, _wireBytesWithoutData) = (0, 0);
        var result = OpenSsl.Handshake(_ssl);
        if (_fault is { } fault)
        {
            _loop.Outgoing.Clear();
            ExceptionDispatchInfo.Throw(fault);
        }

        if (result != OpenSsl.Ok)
        {
            TakeOutcome(result);
            if (_isEnded)
            {
                // RFC 8446 §6.1: a clean end, and yet nobody has shown who he is, or not to the end.
                Break("the peer has ended the connection in the middle of the handshake");
            }
        }

        // Whatever was to be said is said, an alert too.
        if (!SendOutgoing())
        {
            Break("the connection has failed");
        }

        return _isBroken || _isEnded ? LoopSocket.Failed
            : result == OpenSsl.Ok ? OpenSsl.Ok : LoopSocket.WouldBlock;
    }

    // Nothing more can be had now, or ever.
    private void TakeOutcome(int result)
    {
        switch (OpenSsl.GetError(_ssl, result))
        {
            case OpenSsl.ErrorWantRead:
                break;
            case OpenSsl.ErrorZeroReturn:
                _isEnded = true;
                break;
            default:
                var (reason, number) = SslBridge.TakeError();
                if (number == ReasonNoCertificate && Verdict is null)
                {
                    Verdict = _check([]);
                }

                IsRevokedForPeer |= number == ReasonAlertRevoked;
                Break(reason ?? "the connection was cut off");
                break;
        }
    }

    private bool Break(string reason)
    {
        _isBroken = true;
        Failure ??= reason;
        return false;
    }

    private bool SendOutgoing()
    {
        var bytes = _loop.Outgoing.Bytes;
        if (bytes.Length == 0)
        {
            return true;
        }

        var sent = HasKept ? 0 : Socket.Send(bytes);
        if (sent >= 0 && sent < bytes.Length)
        {
            _kept.Add(bytes[sent..]);
        }

        _loop.Outgoing.Clear();
        return sent >= 0;
    }
}
