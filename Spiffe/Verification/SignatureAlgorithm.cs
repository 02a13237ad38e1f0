using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>An accepted signature algorithm: its hash, and for RSA its padding (null: ECDSA).</summary>
internal sealed record SignatureAlgorithm(HashAlgorithmName Hash, RSASignaturePadding? Padding)
{
    private static readonly Asn1Tag HashTag = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag MaskTag = new(TagClass.ContextSpecific, 1, isConstructed: true);
    private static readonly Asn1Tag SaltTag = new(TagClass.ContextSpecific, 2, isConstructed: true);

    /// <summary>Reads an AlgorithmIdentifier; null for any algorithm that is not accepted.</summary>
    public static SignatureAlgorithm? Read(ReadOnlyMemory<byte> identifier)
    {
        try
        {
            var fields = new AsnReader(identifier, AsnEncodingRules.DER).ReadSequence();
            var oid = fields.ReadObjectIdentifier();
            return oid switch
            {
                Oids.EcdsaWithSha256 => Ecdsa(fields, HashAlgorithmName.SHA256),
                Oids.EcdsaWithSha384 => Ecdsa(fields, HashAlgorithmName.SHA384),
                Oids.EcdsaWithSha512 => Ecdsa(fields, HashAlgorithmName.SHA512),
                Oids.Sha256WithRsa => Pkcs1(fields, HashAlgorithmName.SHA256),
                Oids.Sha384WithRsa => Pkcs1(fields, HashAlgorithmName.SHA384),
                Oids.Sha512WithRsa => Pkcs1(fields, HashAlgorithmName.SHA512),
                Oids.RsaPss => Pss(fields),
                _ => null,
            };
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    /// <summary>Parameters are absent (RFC 5758 §3.2).</summary>
    private static SignatureAlgorithm? Ecdsa(AsnReader fields, HashAlgorithmName hash) =>
        fields.HasData ? null : new SignatureAlgorithm(hash, null);

    /// <summary>Parameters are NULL (RFC 4055 §5).</summary>
    private static SignatureAlgorithm Pkcs1(AsnReader fields, HashAlgorithmName hash)
    {
        fields.ReadNull();
        fields.ThrowIfNotEmpty();
        return new SignatureAlgorithm(hash, RSASignaturePadding.Pkcs1);
    }

    /// <summary>One hash for message and mask, and a salt of its length (RFC 4055 §3.1); nothing else is in use.</summary>
    private static SignatureAlgorithm? Pss(AsnReader fields)
    {
        var parameters = fields.ReadSequence();
        fields.ThrowIfNotEmpty();

        var hashField = parameters.ReadSequence(HashTag);
        var hash = ReadHash(hashField);
        hashField.ThrowIfNotEmpty();

        var maskField = parameters.ReadSequence(MaskTag);
        var mask = maskField.ReadSequence();
        maskField.ThrowIfNotEmpty();
        var maskFunction = mask.ReadObjectIdentifier();
        var maskHash = ReadHash(mask);
        mask.ThrowIfNotEmpty();

        var saltField = parameters.ReadSequence(SaltTag);
        var hasSalt = saltField.TryReadInt32(out var saltBytes);
        saltField.ThrowIfNotEmpty();
        parameters.ThrowIfNotEmpty();

        return hash is { } accepted && maskFunction == Oids.Mgf1 && maskHash == hash && hasSalt && saltBytes == accepted.Bytes
            ? new SignatureAlgorithm(accepted.Name, RSASignaturePadding.Pss)
            : null;
    }

    private static (HashAlgorithmName Name, int Bytes)? ReadHash(AsnReader reader)
    {
        var fields = reader.ReadSequence();
        var oid = fields.ReadObjectIdentifier();
        if (fields.HasData)
        {
            fields.ReadNull();
        }

        fields.ThrowIfNotEmpty();
        return oid switch
        {
            Oids.Sha256 => (HashAlgorithmName.SHA256, 32),
            Oids.Sha384 => (HashAlgorithmName.SHA384, 48),
            Oids.Sha512 => (HashAlgorithmName.SHA512, 64),
            _ => null,
        };
    }
}
