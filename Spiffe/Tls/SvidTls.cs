using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe;

/// <summary>The TLS options of the whole mesh: TLS 1.3 alone, SVIDs on both sides, every handshake a full one.</summary>
/// <remarks>The verdict is the <see cref="PeerCheck"/>'s alone: the platform's own opinion of a chain is not asked,
/// neither good nor bad. Nothing is fetched from the network.</remarks>
public static class SvidTls
{
    /// <summary>A server that demands a client certificate and has <paramref name="check"/> judge it.</summary>
    public static SslServerAuthenticationOptions Server(
        SvidCredential own,
        PeerCheck check,
        IReadOnlyList<SslApplicationProtocol>? alpn)
    {
        var options = ServerWithoutClientCertificate(own, alpn);
        options.ClientCertificateRequired = true;
        options.RemoteCertificateValidationCallback = Validate(check);
        return options;
    }

    /// <summary>A server for peers that have no identity yet.</summary>
    public static SslServerAuthenticationOptions ServerWithoutClientCertificate(
        SvidCredential own,
        IReadOnlyList<SslApplicationProtocol>? alpn) => new()
        {
            ServerCertificateContext = own.TlsContext,
            ClientCertificateRequired = false,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowRenegotiation = false,
            AllowTlsResume = false,
            EncryptionPolicy = EncryptionPolicy.RequireEncryption,
            CertificateChainPolicy = AskNobody(),
            ApplicationProtocols = alpn is null ? null : [.. alpn],
        };

    /// <summary>A client that has <paramref name="check"/> judge the server.</summary>
    /// <param name="own">What it shows the server; null only for enrollment, where it has nothing yet.</param>
    /// <param name="sni">The DNS name of the identity it wants; it routes and identifies nobody.</param>
    /// <param name="check">Judges the server's chain.</param>
    /// <param name="alpn">The protocols it offers; null: none.</param>
    public static SslClientAuthenticationOptions Client(
        SvidCredential? own,
        string sni,
        PeerCheck check,
        IReadOnlyList<SslApplicationProtocol>? alpn) => new()
        {
            TargetHost = sni,
            ClientCertificateContext = own?.TlsContext,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowRenegotiation = false,
            AllowTlsResume = false,
            EncryptionPolicy = EncryptionPolicy.RequireEncryption,
            CertificateChainPolicy = AskNobody(),
            RemoteCertificateValidationCallback = Validate(check),
            ApplicationProtocols = alpn is null ? null : [.. alpn],
        };

    /// <summary>The leaf and whatever else the peer sent, in DER, leaf first; empty without a leaf.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> ChainOf(X509Certificate? leaf, X509Chain? chain)
    {
        if (leaf is null)
        {
            return [];
        }

        // SslStream puts what the peer sent beside its leaf into the extra store, and nothing else.
        var sent = new List<ReadOnlyMemory<byte>> { leaf.GetRawCertData() };
        foreach (var extra in chain?.ChainPolicy.ExtraStore ?? [])
        {
            if (!extra.RawDataMemory.Span.SequenceEqual(sent[0].Span))
            {
                sent.Add(extra.RawDataMemory);
            }
        }

        return sent;
    }

    /// <summary>The platform builds a chain before it asks us. It must not fetch what a stranger's certificate points to.</summary>
    private static X509ChainPolicy AskNobody() => new()
    {
        DisableCertificateDownloads = true,
        RevocationMode = X509RevocationMode.NoCheck,
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };

    private static RemoteCertificateValidationCallback Validate(PeerCheck check) =>
        (_, certificate, chain, _) => check(ChainOf(certificate, chain)).IsValid;
}
