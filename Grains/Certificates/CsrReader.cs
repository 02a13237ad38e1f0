using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Pkcs;

namespace Mesh.Grains.Certificates;

/// <summary>Reads a PKCS #10 request from a stranger and refuses, by name, whatever is not one new key for one expected identity.</summary>
internal static class CsrReader
{
    /// <summary>The largest request that is looked at.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>Checks the request and returns the DER SubjectPublicKeyInfo that it holds.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, naming what is wrong.</exception>
    public static byte[] ReadPublicKey(ReadOnlyMemory<byte> csr, SpiffeId expected)
    {
        var (id, publicKey) = Read(csr);
        return id == expected ? publicKey : throw Refuse($"it asks for {id}; {expected} was proven");
    }

    /// <summary>Checks the request and returns the identity that it asks for, and that nobody has proven yet.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, naming what is wrong.</exception>
    public static SpiffeId ReadIdentity(ReadOnlyMemory<byte> csr) => Read(csr).Id;

    private static (SpiffeId Id, byte[] PublicKey) Read(ReadOnlyMemory<byte> csr)
    {
        if (csr.Length is 0 or > MaxBytes)
        {
            throw Refuse($"it has {csr.Length} bytes; 1 to {MaxBytes} are read");
        }

        var request = Parse(csr);
        var publicKey = request.GetCertificationRequestInfo().SubjectPublicKeyInfo.GetDerEncoded();
        using var key = ReadKey(request, publicKey);
        CheckSignature(request, key);
        return (ReadExtensions(request), publicKey);
    }

    private static Pkcs10CertificationRequest Parse(ReadOnlyMemory<byte> csr)
    {
        try
        {
            var bytes = csr.ToArray();
            var request = new Pkcs10CertificationRequest(bytes);
            // Trailing bytes and BER would make two readers see two requests.
            return request.GetDerEncoded().AsSpan().SequenceEqual(bytes) ? request : throw Refuse("it is not DER");
        }
        catch (Exception e) when (IsParserNoise(e))
        {
            throw Refuse("it is not a PKCS #10 request");
        }
    }

    // The platform's arithmetic from here on: BouncyCastle's takes ten times as long.
    private static ECDsa ReadKey(Pkcs10CertificationRequest request, byte[] publicKey)
    {
        var algorithm = request.GetCertificationRequestInfo().SubjectPublicKeyInfo.Algorithm;
        if (algorithm.Algorithm.Id != EcPublicKey || algorithm.Parameters is not DerObjectIdentifier { Id: NistP256 or NistP384 })
        {
            throw RefuseKey(request);
        }

        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(publicKey, out _);
            return key;
        }
        catch (CryptographicException)
        {
            key.Dispose();
            throw Refuse("its public key cannot be read");
        }
    }

    private static MeshException RefuseKey(Pkcs10CertificationRequest request)
    {
        try
        {
            return Refuse(request.GetPublicKey() switch
            {
                ECPublicKeyParameters => "its key is on another curve; ECDSA P-256 or P-384 is needed",
                RsaKeyParameters rsa => $"its key is RSA {rsa.Modulus.BitLength}; ECDSA P-256 or P-384 is needed",
                _ => "its key is of an unknown kind; ECDSA P-256 or P-384 is needed",
            });
        }
        catch (Exception e) when (IsParserNoise(e))
        {
            return Refuse("its public key cannot be read");
        }
    }

    private static bool Verifies(Pkcs10CertificationRequest request, ECDsa key, HashAlgorithmName hash)
    {
        try
        {
            return key.VerifyData(
                request.GetCertificationRequestInfo().GetDerEncoded(), request.GetSignatureOctets(), hash, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (Exception e) when (IsParserNoise(e))
        {
            // A signature whose bits are no bytes, for one.
            return false;
        }
    }

    private static void CheckSignature(Pkcs10CertificationRequest request, ECDsa key)
    {
        HashAlgorithmName hash = request.SignatureAlgorithm.Algorithm.Id switch
        {
            EcdsaWithSha256 => HashAlgorithmName.SHA256,
            EcdsaWithSha384 => HashAlgorithmName.SHA384,
            _ => throw Refuse("its signature algorithm is not ECDSA with SHA-256 or SHA-384"),
        };
        if (!Verifies(request, key, hash))
        {
            throw Refuse("its signature does not verify under its own key");
        }
    }

    private static SpiffeId ReadExtensions(Pkcs10CertificationRequest request)
    {
        X509Extensions? extensions;
        try
        {
            extensions = request.GetRequestedExtensions();
        }
        catch (Exception e) when (IsParserNoise(e))
        {
            throw Refuse("its extensions cannot be read");
        }

        if (extensions is null)
        {
            throw Refuse("it names no identity; one URI SAN is needed");
        }

        foreach (DerObjectIdentifier extension in extensions.ExtensionOids)
        {
            if (extension.Equals(X509Extensions.BasicConstraints))
            {
                RefuseAuthority(extensions);
            }
            else if (!extension.Equals(X509Extensions.SubjectAlternativeName))
            {
                throw Refuse($"it asks for extension {extension.Id}; only a URI SAN may be asked for");
            }
        }

        return ReadName(extensions);
    }

    private static void RefuseAuthority(X509Extensions extensions)
    {
        bool isAuthority;
        try
        {
            isAuthority = BasicConstraints.GetInstance(extensions.GetExtensionParsedValue(X509Extensions.BasicConstraints)).IsCA();
        }
        catch (Exception e) when (IsParserNoise(e))
        {
            throw Refuse("its basic constraints cannot be read");
        }

        if (isAuthority)
        {
            throw Refuse("it asks for the CA bit");
        }
    }

    private static SpiffeId ReadName(X509Extensions extensions)
    {
        GeneralName[] names;
        try
        {
            names = GeneralNames.FromExtensions(extensions, X509Extensions.SubjectAlternativeName)?.GetNames() ?? [];
        }
        catch (Exception e) when (IsParserNoise(e))
        {
            throw Refuse("its SAN cannot be read");
        }

        var uris = names.Where(name => name.TagNo == GeneralName.UniformResourceIdentifier).ToList();
        if (uris.Count != 1)
        {
            throw Refuse($"it has {uris.Count} URI SANs; exactly one is needed");
        }

        if (names.Length != 1)
        {
            throw Refuse("it asks for other names beside its URI SAN");
        }

        var uri = ((IAsn1String)uris[0].Name).GetString();
        return SpiffeId.TryParse(uri, out var id, out var error) ? id : throw Refuse($"its URI SAN is not a SPIFFE ID: {error}");
    }

    private static MeshException Refuse(string what) => new(MeshError.InvalidRequest, $"CSR refused: {what}.");

    // What BouncyCastle throws at noise is wide and undocumented; anything but our own refusals and a dying process counts.
    private static bool IsParserNoise(Exception e) => e is not (MeshException or OutOfMemoryException or StackOverflowException);

    private const string EcPublicKey = "1.2.840.10045.2.1";
    private const string NistP256 = "1.2.840.10045.3.1.7";
    private const string NistP384 = "1.3.132.0.34";
    private const string EcdsaWithSha256 = "1.2.840.10045.4.3.2";
    private const string EcdsaWithSha384 = "1.2.840.10045.4.3.3";
}
