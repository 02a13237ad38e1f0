using System.Security.Cryptography;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto;

namespace Mesh.Grains.Certificates;

/// <summary>Lets BouncyCastle lay out a certificate while the platform's ECDSA signs it: SHA-256 for P-256, SHA-384 for P-384.</summary>
internal sealed class EcdsaSignatureFactory(ECDsa key) : ISignatureFactory
{
    private readonly bool _isP384 = key.KeySize == 384;

    public object AlgorithmDetails => new AlgorithmIdentifier(
        _isP384 ? X9ObjectIdentifiers.ECDsaWithSha384 : X9ObjectIdentifiers.ECDsaWithSha256);

    public IStreamCalculator<IBlockResult> CreateCalculator() =>
        new Calculator(key, _isP384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256);

    private sealed class Calculator(ECDsa key, HashAlgorithmName hash) : IStreamCalculator<IBlockResult>
    {
        // A memory stream holds nothing that needs disposing; BouncyCastle closes it.
        public Stream Stream { get; } = new MemoryStream();

        public IBlockResult GetResult() =>
            new Signature(key.SignData(((MemoryStream)Stream).ToArray(), hash, DSASignatureFormat.Rfc3279DerSequence));
    }

    private sealed class Signature(byte[] der) : IBlockResult
    {
        public byte[] Collect() => der;

        public int Collect(byte[] buf, int off)
        {
            der.CopyTo(buf, off);
            return der.Length;
        }

        public int Collect(Span<byte> output)
        {
            der.CopyTo(output);
            return der.Length;
        }

        public int GetMaxResultLength() => der.Length;
    }
}
