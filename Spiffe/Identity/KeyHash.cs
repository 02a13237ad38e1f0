using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe;

/// <summary>The SHA-256 of a public key (a DER SubjectPublicKeyInfo): the name that a requester can't choose.</summary>
public readonly struct KeyHash : IEquatable<KeyHash>
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private readonly UInt128 _high;
    private readonly UInt128 _low;

    private KeyHash(ReadOnlySpan<byte> digest)
    {
        _high = BinaryPrimitives.ReadUInt128BigEndian(digest);
        _low = BinaryPrimitives.ReadUInt128BigEndian(digest[16..]);
    }

    /// <summary>The hash of a DER SubjectPublicKeyInfo.</summary>
    public static KeyHash OfPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo) => new(SHA256.HashData(subjectPublicKeyInfo));

    /// <summary>The hash of a certificate's public key.</summary>
    public static KeyHash Of(X509Certificate2 certificate) => OfPublicKey(certificate.PublicKey.ExportSubjectPublicKeyInfo());

    /// <summary>Reads 64 lower-case hex digits.</summary>
    /// <exception cref="FormatException">Anything else.</exception>
    public static KeyHash Parse(string hex) =>
        TryParse(hex, out var hash) ? hash : throw new FormatException("A key hash is 64 lower-case hex digits.");

    /// <summary>Reads 64 lower-case hex digits.</summary>
    public static bool TryParse(string? hex, out KeyHash hash)
    {
        hash = default;
        if (hex is not { Length: 64 } || hex.AsSpan().ContainsAnyExcept(HexDigits))
        {
            return false;
        }

        hash = new KeyHash(Convert.FromHexString(hex));
        return true;
    }

    /// <summary>Wraps a SHA-256 that was computed elsewhere.</summary>
    internal static KeyHash OfDigest(ReadOnlySpan<byte> sha256) => new(sha256);

    /// <summary>64 lower-case hex digits.</summary>
    public override string ToString() => $"{_high:x32}{_low:x32}";

    /// <inheritdoc/>
    public bool Equals(KeyHash other) => _high == other._high && _low == other._low;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is KeyHash other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_high, _low);

    /// <summary>Whether both are the same hash.</summary>
    public static bool operator ==(KeyHash left, KeyHash right) => left.Equals(right);

    /// <summary>Whether the hashes differ.</summary>
    public static bool operator !=(KeyHash left, KeyHash right) => !left.Equals(right);
}
