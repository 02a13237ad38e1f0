using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>Makes an ECDSA key of a point, with the check that the point is on its curve, and without the multiplication by the curve's order.</summary>
/// <remarks>
/// On curves of cofactor 1, as all that are accepted are, every point has that order (NIST SP 800-56A rev. 3 §5.6.2.3.4), and the platform's
/// import takes longer to find that out than a signature to verify. OpenSSL's own keys are handed to the platform where both use the same
/// library; elsewhere the platform imports.
/// </remarks>
internal static unsafe partial class EcKeys
{
    // The soname of every OpenSSL 3: the platform has loaded that very library when it says that it uses 3.
    private const string Library = "libcrypto.so.3";
    private const byte Uncompressed = 4;

    private static readonly bool IsShared = OperatingSystem.IsLinux() && SafeEvpPKeyHandle.OpenSslVersion >> 28 == 3;

    /// <summary>The key; null where this way is not open, or the point is not one in its uncompressed form.</summary>
    /// <param name="curve">The OID of an accepted curve.</param>
    /// <param name="point">SEC 1 §2.3.3.</param>
    /// <exception cref="CryptographicException">The point is not on the curve.</exception>
    public static ECDsa? TryImport(string curve, ReadOnlySpan<byte> point)
    {
        var (name, bytes) = curve switch
        {
            Oids.P256 => (415, 65),
            Oids.P384 => (715, 97),
            Oids.P521 => (716, 133),
            _ => throw new ArgumentException($"{curve} is no accepted curve.", nameof(curve)),
        };
        if (!IsShared || point.Length != bytes || point[0] != Uncompressed)
        {
            return null;
        }

        var key = NewKey(name);
        if (key == 0)
        {
            throw new CryptographicException($"OpenSSL does not know the curve {curve}.");
        }

        try
        {
            fixed (byte* start = point)
            {
                if (SetPoint(key, start, bytes, 0) != 1)
                {
                    ForgetErrors();
                    throw new CryptographicException("the point is not on its curve");
                }
            }

            // It takes a reference of its own.
            return new ECDsaOpenSsl(key);
        }
        finally
        {
            FreeKey(key);
        }
    }

    [LibraryImport(Library, EntryPoint = "EC_KEY_new_by_curve_name")]
    private static partial nint NewKey(int name);

    [LibraryImport(Library, EntryPoint = "EC_KEY_oct2key")]
    private static partial int SetPoint(nint key, byte* point, nint length, nint context);

    [LibraryImport(Library, EntryPoint = "EC_KEY_free")]
    private static partial void FreeKey(nint key);

    [LibraryImport(Library, EntryPoint = "ERR_clear_error")]
    private static partial void ForgetErrors();
}
