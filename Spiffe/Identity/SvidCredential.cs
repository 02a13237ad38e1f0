using System.Buffers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe;

/// <summary>An SVID with its private key, made once for all handshakes that show it.</summary>
/// <remarks>The key has no text form and is gone when the credential is disposed. Connections that were set up with
/// the credential live on.</remarks>
public sealed class SvidCredential : IDisposable
{
    private readonly ECDsa _privateKey;
    private readonly X509Certificate2 _leaf;
    private readonly X509Certificate2Collection _intermediates;

    private SvidCredential(X509Svid svid, ECDsa privateKey, X509Certificate2 leaf, X509Certificate2Collection intermediates)
    {
        Svid = svid;
        _privateKey = privateKey;
        _leaf = leaf;
        _intermediates = intermediates;
        TlsContext = SslStreamCertificateContext.Create(leaf, intermediates, offline: true);
    }

    /// <summary>The chain and the facts of its leaf.</summary>
    public X509Svid Svid { get; }

    /// <summary>Leaf, key and intermediates for <see cref="SslStream"/>; it fetches nothing from the network.</summary>
    public SslStreamCertificateContext TlsContext { get; }

    /// <summary>Joins a chain with its key.</summary>
    /// <param name="chainDer">Leaf first; one to eight certificates of at most 16 KiB.</param>
    /// <param name="privateKey">The leaf's key. The credential owns it from here on, also when this method throws.</param>
    /// <exception cref="FormatException">The chain can't be read.</exception>
    /// <exception cref="ArgumentException">The key is not the leaf's.</exception>
    public static SvidCredential Create(IReadOnlyList<ReadOnlyMemory<byte>> chainDer, ECDsa privateKey)
    {
        var intermediates = new X509Certificate2Collection();
        X509Certificate2? leaf = null;
        try
        {
            var svid = X509Svid.Parse(chainDer);
            if (KeyHash.OfPublicKey(privateKey.ExportSubjectPublicKeyInfo()) != svid.KeyHash)
            {
                throw new ArgumentException($"The private key is not the one that {svid.Id} was issued for.", nameof(privateKey));
            }

            using var withoutKey = X509CertificateLoader.LoadCertificate(svid.LeafDer.Span);
            leaf = withoutKey.CopyWithPrivateKey(privateKey);
            foreach (var der in svid.Chain.Skip(1))
            {
                intermediates.Add(X509CertificateLoader.LoadCertificate(der.Span));
            }

            return new SvidCredential(svid, privateKey, leaf, intermediates);
        }
        catch
        {
            leaf?.Dispose();
            Dispose(intermediates);
            privateKey.Dispose();
            throw;
        }
    }

    /// <summary>Signs with ECDSA and SHA-256; the signature is IEEE P1363 (the two numbers end to end).</summary>
    public byte[] Sign(ReadOnlySpan<byte> data) => _privateKey.SignData(data, HashAlgorithmName.SHA256);

    /// <summary>Lends the key (PKCS #8, DER) to a TLS library of its own; the copy is wiped afterwards.</summary>
    public void UsePrivateKey<TState>(TState state, ReadOnlySpanAction<byte, TState> use)
    {
        var pkcs8 = _privateKey.ExportPkcs8PrivateKey();
        try
        {
            use(pkcs8, state);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }

    /// <summary>The identity, never the key.</summary>
    public override string ToString() => $"{Svid.Id} until {Describe.Time(Svid.NotAfter)}";

    /// <inheritdoc/>
    public void Dispose()
    {
        _leaf.Dispose();
        Dispose(_intermediates);
        _privateKey.Dispose();
    }

    private static void Dispose(X509Certificate2Collection certificates)
    {
        foreach (var certificate in certificates)
        {
            certificate.Dispose();
        }
    }
}
