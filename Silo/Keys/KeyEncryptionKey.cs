using System.Security.Cryptography;
using System.Text;
using Mesh.Grains.Keys;
using Mesh.Silo.Backups;
using Mesh.Silo.Roles;
using Mesh.Spiffe;

namespace Mesh.Silo.Keys;

/// <summary>Seals private keys with AES-256-GCM, bound to their trust domain, hash and use. Has no loggable form.</summary>
internal sealed class KeyEncryptionKey : IDisposable
{
    private const byte FormatVersion = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int KeyBytes = 32;
    private const int IdBytes = 8;

    private readonly AesGcm _aes;

    // One cipher context, and signers on every core: two at once would open each other's records.
    private readonly Lock _gate = new();

    private KeyEncryptionKey(byte[] key)
    {
        _aes = new AesGcm(key, TagBytes);
        var callKey = Derive(key, "mesh-orleans/silo-calls/v1");
        CallSecret = new SiloCallSecret(Convert.ToHexStringLower(callKey));
        BackupSeal = new BackupSeal(Derive(key, "mesh-orleans/backup/v1"));
        Id = Convert.ToHexStringLower(Derive(key, "mesh-orleans/key-id/v1").AsSpan(0, IdBytes));
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>By which silos that share this key know each other's calls.</summary>
    public SiloCallSecret CallSecret { get; }

    /// <summary>By which they know each other's backups.</summary>
    public BackupSeal BackupSeal { get; }

    /// <summary>Names this key: 16 hex digits, from which nothing about it follows.</summary>
    public string Id { get; }

    /// <summary>Reads the key file; makes it, mode 0600, where it is missing and may be made.</summary>
    /// <param name="path">32 bytes in base64.</param>
    /// <param name="create">False where sealed keys exist already: a new key could not open them.</param>
    /// <exception cref="InvalidDataException">The file is missing and must not be made, or holds something else.</exception>
    public static KeyEncryptionKey LoadOrCreate(string path, bool create)
    {
        if (!File.Exists(path))
        {
            if (!create)
            {
                throw new InvalidDataException(
                    $"The key-encryption key {path} is missing, and the store holds keys sealed under it. Put the file back, or copy it from another silo of the cluster.");
            }

            Create(path);
        }

        byte[] key;
        try
        {
            key = Convert.FromBase64String(File.ReadAllText(path).Trim());
        }
        catch (FormatException)
        {
            throw new InvalidDataException($"The key-encryption key {path} is not base64.");
        }

        return key.Length == KeyBytes
            ? new KeyEncryptionKey(key)
            : throw new InvalidDataException($"The key-encryption key {path} holds {key.Length} bytes; {KeyBytes} are needed.");
    }

    public byte[] Seal(ReadOnlySpan<byte> secret, TrustDomainName trustDomain, KeyHash keyHash, KeyUse use)
    {
        var record = new byte[1 + NonceBytes + TagBytes + secret.Length];
        record[0] = FormatVersion;
        var nonce = record.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        lock (_gate)
        {
            _aes.Encrypt(
                nonce, secret, record.AsSpan(1 + NonceBytes + TagBytes), record.AsSpan(1 + NonceBytes, TagBytes), Binding(trustDomain, keyHash, use));
        }

        return record;
    }

    /// <exception cref="CryptographicException">The record was altered, moved to another name or use, or sealed under another key.</exception>
    public byte[] Open(ReadOnlySpan<byte> record, TrustDomainName trustDomain, KeyHash keyHash, KeyUse use)
    {
        if (record.Length <= 1 + NonceBytes + TagBytes || record[0] != FormatVersion)
        {
            throw new CryptographicException($"The stored key {keyHash} is of an unknown format.");
        }

        var secret = new byte[record.Length - 1 - NonceBytes - TagBytes];
        lock (_gate)
        {
            _aes.Decrypt(
                record.Slice(1, NonceBytes), record[(1 + NonceBytes + TagBytes)..], record.Slice(1 + NonceBytes, TagBytes), secret,
                Binding(trustDomain, keyHash, use));
        }

        return secret;
    }

    public void Dispose() => _aes.Dispose();

    private static byte[] Derive(byte[] key, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, KeyBytes, info: Encoding.UTF8.GetBytes(purpose));

    private static byte[] Binding(TrustDomainName trustDomain, KeyHash keyHash, KeyUse use) =>
        Encoding.UTF8.GetBytes($"mesh-orleans/key/v{FormatVersion}\0{trustDomain}\0{keyHash}\0{use}");

    private static void Create(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes))));
        file.Flush(flushToDisk: true);
    }
}
