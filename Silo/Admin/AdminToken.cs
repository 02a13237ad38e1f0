using System.Security.Cryptography;
using System.Text;

namespace Mesh.Silo.Admin;

/// <summary>The bearer token of the admin API over TLS: 256 random bits in a file of mode 0600. Has no loggable form.</summary>
internal sealed class AdminToken
{
    private readonly byte[] _hash;

    private AdminToken(string text) => _hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>Reads the token, or makes one where there is none.</summary>
    /// <exception cref="InvalidDataException">Others than its owner may read the file, or it holds too little to be a secret.</exception>
    public static AdminToken LoadOrCreate(string path)
    {
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if (!File.Exists(path))
        {
            using var file = new FileStream(
                path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = ownerOnly });
            file.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))));
        }

        if ((File.GetUnixFileMode(path) & ~ownerOnly) != 0)
        {
            throw new InvalidDataException($"The admin token {path} is open to others than its owner. Run: chmod 600 {path}");
        }

        var text = File.ReadAllText(path).Trim();
        return text.Length >= 32
            ? new AdminToken(text)
            : throw new InvalidDataException($"The admin token {path} has {text.Length} characters; at least 32 are needed.");
    }

    /// <summary>Compares in constant time.</summary>
    public bool Matches(string presented) =>
        CryptographicOperations.FixedTimeEquals(_hash, SHA256.HashData(Encoding.UTF8.GetBytes(presented)));
}
