using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>A new key and the certificate request over it, kept until it is known what became of them.</summary>
/// <remarks>
/// An answer can be lost on its way, and the certificate be on record all the same. The control plane gives the identical request
/// the identical answer; a request over yet another key would look like a thief's.
/// </remarks>
public sealed class PendingRequest : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private bool _isCompleted;

    /// <summary>Makes the key, on P-256.</summary>
    public PendingRequest(SpiffeId id)
    {
        Id = id;
        Csr = CertificateRequestBuilder.CreateCsr(id, _key);
    }

    /// <summary>The identity asked for.</summary>
    public SpiffeId Id { get; }

    /// <summary>PKCS #10, DER.</summary>
    public byte[] Csr { get; }

    /// <summary>Joins the chain that was issued with its key. The request is spent, also when this method throws.</summary>
    /// <exception cref="FormatException">The chain can't be read.</exception>
    /// <exception cref="ArgumentException">The chain is for another key.</exception>
    public SvidCredential Complete(IReadOnlyList<ReadOnlyMemory<byte>> chainDer)
    {
        _isCompleted = true;
        return SvidCredential.Create(chainDer, _key);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isCompleted)
        {
            _key.Dispose();
        }
    }
}
