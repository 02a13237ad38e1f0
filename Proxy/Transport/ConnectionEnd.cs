using Mesh.Proxy.Loops;

namespace Mesh.Proxy.Transport;

/// <summary>One end of a connection that is being carried: what is read at one end is written at the other, a batch at a time.</summary>
internal abstract class ConnectionEnd(LoopSocket socket) : IDisposable
{
    public LoopSocket Socket => socket;

    /// <summary>How many bytes before what is written this end needs for itself.</summary>
    public virtual int Headroom => 0;

    /// <summary>Something that was written has not left yet: nothing more may be written before <see cref="Flush"/> has sent it.</summary>
    public abstract bool HasKept { get; }

    /// <summary>Reads what has come.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="start">Where in it what was read begins.</param>
    /// <returns>How many bytes; 0 when the other side has said that it is done; <see cref="LoopSocket.WouldBlock"/>; <see cref="LoopSocket.Failed"/>.</returns>
    public abstract int Read(Span<byte> buffer, out int start);

    /// <summary>Writes, and keeps what can't be sent now.</summary>
    /// <param name="buffer"><see cref="Headroom"/>, then what is to be written.</param>
    /// <returns>False: the connection has failed.</returns>
    public abstract bool Write(Span<byte> buffer);

    /// <summary>Sends what was kept, as far as it goes.</summary>
    /// <returns>False: the connection has failed.</returns>
    public abstract bool Flush();

    /// <summary>Waits until what was kept has gone.</summary>
    /// <returns>False: the connection has failed, or its time was up.</returns>
    public async ValueTask<bool> DrainAsync()
    {
        while (HasKept)
        {
            if (!await Socket.WritableAsync() || !Flush())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Says that nothing more comes, after all that was written; the other direction goes on.</summary>
    /// <returns>False: the connection has failed, or its time was up.</returns>
    public async ValueTask<bool> FinishAsync()
    {
        if (!SayEnd() || !await DrainAsync())
        {
            return false;
        }

        EndSaid();
        return true;
    }

    /// <summary>Ends the connection so that the other side can't take it for a clean end.</summary>
    public void Abort() => socket.Abort();

    public abstract void Dispose();

    /// <summary>Writes the last word.</summary>
    /// <returns>False: the connection has failed.</returns>
    protected abstract bool SayEnd();

    /// <summary>The last word has left.</summary>
    protected virtual void EndSaid()
    {
    }
}

/// <summary>A plain end: an application, or a client without a mesh.</summary>
internal sealed class PlainEnd(LoopSocket socket) : ConnectionEnd(socket)
{
    private KeptBytes _kept;

    public override bool HasKept => _kept.Count > 0;

    public override int Read(Span<byte> buffer, out int start)
    {
        start = 0;
        return Socket.Receive(buffer);
    }

    public override bool Write(Span<byte> buffer)
    {
        var sent = Socket.Send(buffer);
        if (sent >= 0 && sent < buffer.Length)
        {
            _kept.Add(buffer[sent..]);
        }

        return sent >= 0;
    }

    public override bool Flush() => _kept.SendTo(Socket);

    public override void Dispose()
    {
        Socket.Dispose();
        _kept.Clear();
    }

    protected override bool SayEnd() => !Socket.IsClosed;

    protected override void EndSaid() => Socket.ShutdownSend();
}

/// <summary>An end in mutual TLS that carries one stream. A socket that ends without TLS's own last word is an error, not an end.</summary>
internal sealed class TlsEnd(TlsConnection tls) : ConnectionEnd(tls.Socket)
{
    public override bool HasKept => tls.HasKept;

    public override int Read(Span<byte> buffer, out int start)
    {
        start = 0;
        return tls.Read(buffer);
    }

    public override bool Write(Span<byte> buffer) => tls.Write(buffer);

    public override bool Flush() => tls.Flush();

    public override void Dispose() => tls.Dispose();

    protected override bool SayEnd() => tls.Finish();

    protected override void EndSaid() => Socket.ShutdownSend();
}
