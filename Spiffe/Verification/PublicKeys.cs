using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>Imports the keys that are strong enough: ECDSA on P-256, P-384, P-521; RSA of 2048 to 8192 bits.</summary>
public static class PublicKeys
{
    private const int MinRsaBits = 2048;
    private const int MaxRsaBits = 8192;

    /// <summary>What is wrong with a key, or null.</summary>
    internal static string? Weakness(ReadOnlyMemory<byte> subjectPublicKeyInfo)
    {
        var algorithm = AlgorithmOf(subjectPublicKeyInfo, out _);
        AsymmetricAlgorithm? key;
        string? weakness;
        switch (algorithm)
        {
            case Oids.EcPublicKey:
                key = ImportEcdsa(subjectPublicKeyInfo, out weakness);
                break;
            case Oids.RsaEncryption:
                key = ImportRsa(subjectPublicKeyInfo, out weakness);
                break;
            default:
                return $"the key algorithm {algorithm} is not accepted";
        }

        key?.Dispose();
        return weakness;
    }

    /// <summary>Null with a reason where the key is no EC key on an accepted curve.</summary>
    public static ECDsa? ImportEcdsa(ReadOnlyMemory<byte> subjectPublicKeyInfo, out string? weakness)
    {
        if (CurveOf(subjectPublicKeyInfo) is not (Oids.P256 or Oids.P384 or Oids.P521))
        {
            weakness = "the key is not on one of the curves P-256, P-384 and P-521";
            return null;
        }

        try
        {
            if (ImportPoint(subjectPublicKeyInfo) is { } imported)
            {
                weakness = null;
                return imported;
            }
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException)
        {
            weakness = $"the key can't be read: {e.Message}";
            return null;
        }

        var key = ECDsa.Create();
        weakness = Import(key, subjectPublicKeyInfo);
        return Accepted(key, weakness);
    }

    /// <summary>Null with a reason where the key is no RSA key of an accepted size.</summary>
    internal static RSA? ImportRsa(ReadOnlyMemory<byte> subjectPublicKeyInfo, out string? weakness)
    {
        if (AlgorithmOf(subjectPublicKeyInfo, out _) != Oids.RsaEncryption)
        {
            weakness = "the key is no RSA key";
            return null;
        }

        var key = RSA.Create();
        weakness = Import(key, subjectPublicKeyInfo);
        if (weakness is null && key.KeySize is < MinRsaBits or > MaxRsaBits)
        {
            weakness = $"the RSA key has {key.KeySize} bits; {MinRsaBits} to {MaxRsaBits} are accepted";
        }

        return Accepted(key, weakness);
    }

    // Null where the platform has to say what it is. RFC 5480 §2: an algorithm with the name of a curve and nothing more, and a point.
    private static ECDsa? ImportPoint(ReadOnlyMemory<byte> subjectPublicKeyInfo)
    {
        var outer = new AsnReader(subjectPublicKeyInfo, AsnEncodingRules.DER);
        var info = outer.ReadSequence();
        var algorithm = info.ReadSequence();
        algorithm.ReadObjectIdentifier();
        var curve = algorithm.ReadObjectIdentifier();
        return info.TryReadPrimitiveBitString(out var unused, out var point) && unused == 0 && !algorithm.HasData && !info.HasData && !outer.HasData
            ? EcKeys.TryImport(curve, point.Span)
            : null;
    }

    private static T? Accepted<T>(T key, string? weakness)
        where T : AsymmetricAlgorithm
    {
        if (weakness is null)
        {
            return key;
        }

        key.Dispose();
        return null;
    }

    private static string? Import(AsymmetricAlgorithm key, ReadOnlyMemory<byte> subjectPublicKeyInfo)
    {
        try
        {
            key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo.Span, out var read);
            return read == subjectPublicKeyInfo.Length ? null : "bytes follow the key";
        }
        catch (CryptographicException exception)
        {
            return $"the key can't be read: {exception.Message}";
        }
    }

    internal static string? CurveOf(ReadOnlyMemory<byte> subjectPublicKeyInfo) =>
        AlgorithmOf(subjectPublicKeyInfo, out var curve) == Oids.EcPublicKey ? curve : null;

    /// <summary>The OID of the key's algorithm; null where that can't be read.</summary>
    /// <param name="subjectPublicKeyInfo">DER.</param>
    /// <param name="curve">The OID that stands beside it; null: none does.</param>
    public static string? AlgorithmOf(ReadOnlyMemory<byte> subjectPublicKeyInfo, out string? curve)
    {
        curve = null;
        try
        {
            var algorithm = new AsnReader(subjectPublicKeyInfo, AsnEncodingRules.DER).ReadSequence().ReadSequence();
            var oid = algorithm.ReadObjectIdentifier();
            if (algorithm.HasData && algorithm.PeekTag().HasSameClassAndValue(Asn1Tag.ObjectIdentifier))
            {
                curve = algorithm.ReadObjectIdentifier();
            }

            return oid;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }
}
