using System.Runtime.InteropServices;

namespace Mesh.Proxy.Native;

/// <summary>What OpenSSL asks of whoever drives it, in the middle of a call.</summary>
internal interface ISslDriver
{
    /// <returns>Bytes from the wire; 0 at the end; less than 0 where there are none now, or the connection has failed.</returns>
    int ReceiveFromWire(Span<byte> buffer, out bool wouldBlock);

    /// <returns>False: there is no room for so much.</returns>
    bool SendToWire(ReadOnlySpan<byte> bytes);

    /// <summary>Judges the peer's chain; what it throws is thrown to whoever drives the handshake.</summary>
    /// <returns><see cref="OpenSsl.VerifyOk"/>, or the error that TLS's alert is made of.</returns>
    int Judge(IReadOnlyList<ReadOnlyMemory<byte>> chainDer);

    /// <summary>What a server speaks over TLS, as in RFC 7301 §3.1, most wanted first. A client that offers protocols must offer one of them.</summary>
    ReadOnlySpan<byte> Protocols { get; }

    /// <summary>What <see cref="Judge"/> has thrown.</summary>
    Exception? Fault { set; }
}

/// <summary>Where OpenSSL calls back: for bytes, for a verdict, for a protocol.</summary>
/// <remarks>
/// OpenSSL calls back only inside a call, on the thread of that call. So whoever drives says so in <see cref="Driver"/> first; no pointer
/// to a managed object ever passes into native memory, and none can outlive its object.
/// </remarks>
internal static unsafe class SslBridge
{
    private static readonly nint BioMethod = CreateBioMethod();

    [ThreadStatic]
    private static ISslDriver? t_driver;

    /// <summary>Whose connection this thread is about to drive.</summary>
    public static ISslDriver Driver
    {
        set => t_driver = value;
    }

    /// <summary>Has the context ask the driver for a verdict, and for a protocol.</summary>
    public static void Install(SslContextHandle context)
    {
        OpenSsl.SetVerifyCallback(context, &Verify, 0);
        OpenSsl.SetAlpnCallback(context, &ChooseProtocol, 0);
    }

    /// <summary>Lets a connection's bytes pass through its driver.</summary>
    /// <exception cref="IOException">OpenSSL has no memory for it.</exception>
    public static void Attach(SslHandle ssl)
    {
        var bio = OpenSsl.NewBio(BioMethod);
        if (bio == 0)
        {
            throw SslCredentials.Refused("one more connection");
        }

        OpenSsl.SetBioReady(bio, 1);
        OpenSsl.SetBio(ssl, bio, bio);
    }

    /// <summary>The protocol that a handshake agreed on; empty: none.</summary>
    public static ReadOnlySpan<byte> ProtocolOf(SslHandle ssl)
    {
        OpenSsl.GetAlpn(ssl, out var protocol, out var length);
        return new ReadOnlySpan<byte>(protocol, (int)length);
    }

    /// <summary>Why the last call failed, in OpenSSL's words, and its number; nothing: it does not say. The thread's errors are forgotten.</summary>
    public static (string? Reason, int Number) TakeError()
    {
        const nuint ReasonMask = 0x7f_ffff;
        var error = OpenSsl.NextError();
        var reason = error == 0 ? null : Marshal.PtrToStringUTF8((nint)OpenSsl.ReasonOf(error));
        OpenSsl.ClearErrors();
        return (reason, (int)(error & ReasonMask));
    }

    private static nint CreateBioMethod()
    {
        var method = OpenSsl.NewBioMethod(OpenSsl.BioSource, "mesh");
        _ = OpenSsl.SetBioRead(method, &ReadBio);
        _ = OpenSsl.SetBioWrite(method, &WriteBio);
        _ = OpenSsl.SetBioControl(method, &ControlBio);
        return method;
    }

    [UnmanagedCallersOnly]
    private static int ReadBio(nint bio, byte* buffer, int length)
    {
        OpenSsl.ClearBioFlags(bio, OpenSsl.BioAllFlags);
        var read = t_driver!.ReceiveFromWire(new Span<byte>(buffer, length), out var wouldBlock);
        if (wouldBlock)
        {
            OpenSsl.SetBioFlags(bio, OpenSsl.BioRead | OpenSsl.BioShouldRetry);
        }

        return read;
    }

    [UnmanagedCallersOnly]
    private static int WriteBio(nint bio, byte* bytes, int length)
    {
        OpenSsl.ClearBioFlags(bio, OpenSsl.BioAllFlags);
        return t_driver!.SendToWire(new ReadOnlySpan<byte>(bytes, length)) ? length : -1;
    }

    [UnmanagedCallersOnly]
    private static nint ControlBio(nint bio, int command, nint number, nint pointer) => command == OpenSsl.BioControlFlush ? 1 : 0;

    [UnmanagedCallersOnly]
    private static int Verify(nint verification, nint argument)
    {
        var driver = t_driver!;
        var error = OpenSsl.VerifyErrorApplication;
        try
        {
            error = driver.Judge(Certificates(OpenSsl.SentCertificates(verification)));
        }
        catch (Exception fault)
        {
            // Nothing may be thrown through native code; whoever drives the handshake throws it on.
            driver.Fault = fault;
        }

        // What verifying has left here would be taken for the handshake's.
        OpenSsl.ClearErrors();
        OpenSsl.SetVerifyError(verification, error);
        return error == OpenSsl.VerifyOk ? 1 : 0;
    }

    // Leaf first, as the peer has sent them; libssl bounds them to 100 KiB together.
    private static List<ReadOnlyMemory<byte>> Certificates(nint stack)
    {
        var count = Math.Max(OpenSsl.Count(stack), 0);
        var chain = new List<ReadOnlyMemory<byte>>(count);
        for (var i = 0; i < count; i++)
        {
            var certificate = OpenSsl.Item(stack, i);
            var der = new byte[Math.Max(OpenSsl.WriteCertificate(certificate, null), 0)];
            fixed (byte* start = der)
            {
                var end = start;
                if (der.Length > 0)
                {
                    _ = OpenSsl.WriteCertificate(certificate, &end);
                }
            }

            chain.Add(der);
        }

        return chain;
    }

    [UnmanagedCallersOnly]
    private static int ChooseProtocol(nint ssl, byte** chosen, byte* chosenLength, byte* offered, uint offeredLength, nint argument)
    {
        var wanted = t_driver!.Protocols;
        while (wanted.Length > 0)
        {
            var name = wanted.Slice(1, wanted[0]);
            for (uint at = 0; at < offeredLength; at += 1u + offered[at])
            {
                if (at + offered[at] < offeredLength && new ReadOnlySpan<byte>(offered + at + 1, offered[at]).SequenceEqual(name))
                {
                    // OpenSSL copies it at once; it lies in its own memory.
                    *chosen = offered + at + 1;
                    *chosenLength = offered[at];
                    return OpenSsl.AlpnTaken;
                }
            }

            wanted = wanted[(1 + name.Length)..];
        }

        return OpenSsl.AlpnRefused;
    }
}
