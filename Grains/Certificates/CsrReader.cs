using System.Formats.Asn1;
using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Spiffe;

namespace Mesh.Grains.Certificates;

/// <summary>
/// Reads a PKCS #10 request (RFC 2986 §4) from a stranger, as strict DER, and refuses, by name, whatever is not one new key for one expected
/// identity.
/// </summary>
/// <remarks>The subject is not looked at: what a request is to be called, its one URI name says, and the signature covers.</remarks>
internal static class CsrReader
{
    /// <summary>The largest request that is looked at.</summary>
    public const int MaxBytes = 16 * 1024;

    private const string ExtensionRequest = "1.2.840.113549.1.9.14";

    private static readonly Asn1Tag Attributes = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag Uri = new(TagClass.ContextSpecific, 6);

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

        // Nobody changes it after it was checked.
        var fields = Or("it is not a PKCS #10 request", () => ReadFields(csr.ToArray()));
        using var key = ReadKey(fields.PublicKey);
        if (!Verifies(fields, key))
        {
            throw Refuse("its signature does not verify under its own key");
        }

        var extensions = Or("its extensions cannot be read", () => ReadExtensions(fields.Attributes))
            ?? throw Refuse("it names no identity; one URI SAN is needed");
        CheckExtensions(extensions);
        return (ReadName(extensions.GetValueOrDefault(Oids.SubjectAlternativeName)), fields.PublicKey.ToArray());
    }

    private static Fields ReadFields(ReadOnlyMemory<byte> csr)
    {
        var outer = new AsnReader(csr, AsnEncodingRules.DER);
        var request = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var toBeSigned = request.PeekEncodedValue();
        var info = request.ReadSequence();
        var algorithm = ReadAlgorithm(request);
        var signature = request.ReadBitString(out var unused);
        request.ThrowIfNotEmpty();
        if (!info.TryReadInt32(out var version) || version != 0 || unused != 0)
        {
            throw new AsnContentException();
        }

        info.ReadSequence();
        var publicKey = info.ReadEncodedValue();
        var attributes = info.ReadSetOf(Attributes);
        info.ThrowIfNotEmpty();
        return new Fields(toBeSigned, publicKey, attributes, algorithm, signature);
    }

    private static string ReadAlgorithm(AsnReader reader)
    {
        var algorithm = reader.ReadSequence();
        var oid = algorithm.ReadObjectIdentifier();
        return algorithm.HasData && algorithm.PeekTag() != Asn1Tag.Null ? "" : oid;
    }

    private static ECDsa ReadKey(ReadOnlyMemory<byte> publicKey)
    {
        var algorithm = PublicKeys.AlgorithmOf(publicKey, out var curve) ?? throw Refuse("its public key cannot be read");
        if (algorithm != Oids.EcPublicKey || curve is not (Oids.P256 or Oids.P384))
        {
            throw Or("its public key cannot be read", () => RefuseKey(publicKey, algorithm));
        }

        return PublicKeys.ImportEcdsa(publicKey, out _) ?? throw Refuse("its public key cannot be read");
    }

    private static MeshException RefuseKey(ReadOnlyMemory<byte> publicKey, string algorithm)
    {
        if (algorithm == Oids.RsaEncryption)
        {
            using var rsa = RSA.Create();
            rsa.ImportSubjectPublicKeyInfo(publicKey.Span, out _);
            return Refuse($"its key is RSA {rsa.KeySize}; ECDSA P-256 or P-384 is needed");
        }

        return Refuse(algorithm == Oids.EcPublicKey
            ? "its key is on another curve; ECDSA P-256 or P-384 is needed"
            : "its key is of an unknown kind; ECDSA P-256 or P-384 is needed");
    }

    private static bool Verifies(Fields fields, ECDsa key)
    {
        HashAlgorithmName hash = fields.Algorithm switch
        {
            Oids.EcdsaWithSha256 => HashAlgorithmName.SHA256,
            Oids.EcdsaWithSha384 => HashAlgorithmName.SHA384,
            _ => throw Refuse("its signature algorithm is not ECDSA with SHA-256 or SHA-384"),
        };
        return key.VerifyData(fields.ToBeSigned.Span, fields.Signature, hash, DSASignatureFormat.Rfc3279DerSequence);
    }

    // The values by their OIDs; null where no extensions are asked for.
    private static Dictionary<string, byte[]>? ReadExtensions(AsnReader attributes)
    {
        Dictionary<string, byte[]>? found = null;
        while (attributes.HasData)
        {
            var attribute = attributes.ReadSequence();
            var oid = attribute.ReadObjectIdentifier();
            var values = attribute.ReadSetOf();
            attribute.ThrowIfNotEmpty();
            if (oid == ExtensionRequest)
            {
                found = found is null ? ReadExtensionList(values.ReadSequence()) : throw new AsnContentException();
                values.ThrowIfNotEmpty();
            }
        }

        return found;
    }

    private static Dictionary<string, byte[]> ReadExtensionList(AsnReader list)
    {
        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        while (list.HasData)
        {
            var extension = list.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            if (extension.PeekTag() == Asn1Tag.Boolean)
            {
                extension.ReadBoolean();
            }

            var value = extension.ReadOctetString();
            extension.ThrowIfNotEmpty();
            // RFC 5280 §4.2: none is there twice.
            if (!found.TryAdd(oid, value))
            {
                throw new AsnContentException();
            }
        }

        return found;
    }

    private static void CheckExtensions(Dictionary<string, byte[]> extensions)
    {
        foreach (var (oid, value) in extensions)
        {
            if (oid == Oids.BasicConstraints)
            {
                if (Or("its basic constraints cannot be read", () => IsAuthority(value)))
                {
                    throw Refuse("it asks for the CA bit");
                }
            }
            else if (oid != Oids.SubjectAlternativeName)
            {
                throw Refuse($"it asks for extension {oid}; only a URI SAN may be asked for");
            }
        }
    }

    private static bool IsAuthority(byte[] value)
    {
        var outer = new AsnReader(value, AsnEncodingRules.DER);
        var constraints = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        return constraints.HasData && constraints.PeekTag() == Asn1Tag.Boolean && constraints.ReadBoolean();
    }

    private static SpiffeId ReadName(byte[]? value)
    {
        var (uris, others) = value is null ? ([], 0) : Or("its SAN cannot be read", () => ReadNames(value));
        if (uris.Count != 1)
        {
            throw Refuse($"it has {uris.Count} URI SANs; exactly one is needed");
        }

        if (others != 0)
        {
            throw Refuse("it asks for other names beside its URI SAN");
        }

        return SpiffeId.TryParse(uris[0], out var id, out var error) ? id : throw Refuse($"its URI SAN is not a SPIFFE ID: {error}");
    }

    private static (List<string> Uris, int Others) ReadNames(byte[] value)
    {
        var outer = new AsnReader(value, AsnEncodingRules.DER);
        var names = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var (uris, others) = (new List<string>(), 0);
        while (names.HasData)
        {
            if (names.PeekTag().HasSameClassAndValue(Uri))
            {
                uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, Uri));
            }
            else
            {
                names.ReadEncodedValue();
                others++;
            }
        }

        return (uris, others);
    }

    private static T Or<T>(string refusal, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            throw Refuse(refusal);
        }
    }

    private static MeshException Refuse(string what) => new(MeshError.InvalidRequest, $"CSR refused: {what}.");

    /// <param name="ToBeSigned">The part that the signature covers, DER.</param>
    /// <param name="PublicKey">SubjectPublicKeyInfo, DER.</param>
    /// <param name="Attributes">At its beginning.</param>
    /// <param name="Algorithm">OID of the signature's; empty where it has parameters that none of ours has.</param>
    private readonly record struct Fields(ReadOnlyMemory<byte> ToBeSigned, ReadOnlyMemory<byte> PublicKey, AsnReader Attributes, string Algorithm, byte[] Signature);
}
