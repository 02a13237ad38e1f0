using Mesh.Proxy.Loops;
using Mesh.Proxy.Native;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

/// <summary>What all handshakes under one certificate have in common: TLS 1.3 alone, SVIDs on both sides, every handshake a full one.</summary>
/// <remarks>Whoever stands behind a connection is judged by the <see cref="PeerCheck"/> alone; OpenSSL's own opinion is not asked, neither good nor bad.</remarks>
internal sealed class TlsContext : IDisposable
{
    // The best that the library offers: from 3.5 on also against who records today and computes later.
    private static readonly string[] Groups = ["X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"];

    // With hardware for AES, which every server has, 128 bits are the fastest, and as strong as the P-256 keys.
    private const string Suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

    private const int RecordOverheadBytes = 1_024;

    /// <param name="credential">Leaf, key and intermediates that are shown.</param>
    /// <param name="offered">What a client offers, as in RFC 7301 §3.1.</param>
    /// <exception cref="IOException">OpenSSL does not take the certificate; the message says why.</exception>
    public TlsContext(SvidCredential credential, byte[] offered)
    {
        Handle = OpenSsl.NewContext(OpenSsl.Method());
        if (Handle.IsInvalid)
        {
            throw SslCredentials.Refused("one more TLS context");
        }

        try
        {
            Restrict();
            Show(credential);
            SslBridge.Install(Handle);
            Check(OpenSsl.SetAlpnProtocols(Handle, offered, (uint)offered.Length) == 0, "the protocols");
        }
        catch
        {
            Handle.Dispose();
            throw;
        }
    }

    public SslContextHandle Handle { get; }

    /// <summary>New connections are made with another; those that are open live on.</summary>
    public void Dispose() => Handle.Dispose();

    private void Restrict()
    {
        Check(OpenSsl.ControlContext(Handle, OpenSsl.ControlMinVersion, OpenSsl.Tls13, 0) == OpenSsl.Ok, "TLS 1.3");
        Check(OpenSsl.SetCipherSuites(Handle, Suites) == OpenSsl.Ok, "the cipher suites");
        Check(Groups.Any(groups => OpenSsl.ControlContext(Handle, OpenSsl.ControlGroupsList, 0, groups) == OpenSsl.Ok), "the groups");
        OpenSsl.ClearErrors();
        OpenSsl.SetOptions(Handle, OpenSsl.OptionNoTicket | OpenSsl.OptionNoRenegotiation | OpenSsl.OptionCipherServerPreference);
        _ = OpenSsl.SetTicketCount(Handle, 0);
        _ = OpenSsl.ControlContext(Handle, OpenSsl.ControlSessionCacheMode, 0, 0);
        OpenSsl.SetVerify(Handle, OpenSsl.VerifyPeerAndRequireIt, 0);

        // Whole batches a system call, and no memory for those that have nothing to say.
        _ = OpenSsl.ControlContext(Handle, OpenSsl.ControlMode, OpenSsl.ModeMovingBuffer | OpenSsl.ModeNoAutoChain | OpenSsl.ModeReleaseBuffers, 0);
        _ = OpenSsl.ControlContext(Handle, OpenSsl.ControlReadAhead, 1, 0);
        OpenSsl.SetReadBufferLength(Handle, EventLoop.BatchBytes + RecordOverheadBytes);
    }

    private void Show(SvidCredential credential)
    {
        Check(OpenSsl.UseCertificate(Handle, credential.Svid.LeafDer.Length, credential.Svid.LeafDer.Span) == OpenSsl.Ok, "the leaf");
        credential.UsePrivateKey(Handle, static (pkcs8, context) => SslCredentials.UsePrivateKey(context, pkcs8));
        Check(OpenSsl.CheckPrivateKey(Handle) == OpenSsl.Ok, "the key with this leaf");
        foreach (var der in credential.Svid.Chain.Skip(1))
        {
            SslCredentials.AddToChain(Handle, der.Span);
        }
    }

    private static void Check(bool isTaken, string what)
    {
        if (!isTaken)
        {
            throw SslCredentials.Refused(what);
        }
    }
}
