using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mesh.Spiffe;
using Microsoft.Data.Sqlite;

namespace Mesh.Bench.Lifecycle;

/// <summary>
/// A workload issuer in the hands of a thief who has read a silo's disk, its key-encryption key and its store: what it signs is what
/// the mesh would sign, for whomever the thief likes.
/// </summary>
internal sealed class StolenIssuer : IDisposable
{
    private const int HeadBytes = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly X509Certificate2 _certificate;
    private readonly ECDsa _key;

    private StolenIssuer(X509Certificate2 certificate, ECDsa key) => (_certificate, _key) = (certificate, key);

    /// <param name="data">A silo's data folder.</param>
    /// <param name="certificate">The issuer's, which is public.</param>
    public static StolenIssuer Read(string data, TrustDomainName trustDomain, X509Certificate2 certificate)
    {
        var hash = KeyHash.OfPublicKey(certificate.PublicKey.ExportSubjectPublicKeyInfo()).ToString();
        var record = ReadRecord(Path.Combine(data, "mesh.db"), hash);
        using var seal = new AesGcm(Convert.FromBase64String(File.ReadAllText(Path.Combine(data, "key-encryption.key"))), TagBytes);
        var secret = new byte[record.Length - HeadBytes - NonceBytes - TagBytes];
        // As Silo/Keys/KeyEncryptionKey.cs seals it.
        seal.Decrypt(
            record.AsSpan(HeadBytes, NonceBytes), record.AsSpan(HeadBytes + NonceBytes + TagBytes), record.AsSpan(HeadBytes + NonceBytes, TagBytes), secret,
            Encoding.UTF8.GetBytes($"mesh-orleans/key/v{record[0]}\0{trustDomain}\0{hash}\0WorkloadIssuer"));
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(secret, out _);
        return new StolenIssuer(certificate, key);
    }

    /// <summary>A certificate for a key of the thief's own, good for an hour.</summary>
    public SvidCredential Forge(SpiffeId id)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        var request = new CertificateRequest($"CN={Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, true, false));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(SvidAlternativeName.Create(id, id.DnsName));
        using var leaf = request.Create(
            _certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), now - SvidProfile.Backdating, now.AddHours(1), [1, .. RandomNumberGenerator.GetBytes(15)]);
        return SvidCredential.Create([leaf.RawDataMemory, _certificate.RawDataMemory], key);
    }

    public void Dispose()
    {
        _key.Dispose();
        _certificate.Dispose();
    }

    private static byte[] ReadRecord(string file, string hash)
    {
        using var store = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        store.Open();
        using var select = store.CreateCommand();
        select.CommandText = "SELECT sealed FROM authority_key WHERE key_hash = @hash;";
        select.Parameters.AddWithValue("hash", hash);
        return (byte[]?)select.ExecuteScalar() ?? throw new InvalidOperationException($"The store holds no key {hash}.");
    }
}
