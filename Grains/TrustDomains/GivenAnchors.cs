using System.Security.Cryptography;
using Mesh.Grains.Issuers;
using Mesh.Grains.Keys;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.TrustDomains;

/// <summary>Anchors that were made elsewhere, with their key or without: judged before the mesh trusts in them.</summary>
internal sealed class GivenAnchors(IKeyStore keys, IOptions<AnchorOptions> options, IOptions<IssuerOptions> issuerOptions, TimeProvider clock)
{
    private const UnixFileMode OwnerAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The first anchor that the options name, its key in the key store where they name that too; null: they name none.</summary>
    /// <exception cref="InvalidDataException">A file can't be used: which, and every reason.</exception>
    public async Task<AnchorRecord?> ReadFirstAsync(TrustDomainName trustDomain, CancellationToken cancellationToken)
    {
        if (options.Value.CertificateFile is not { } file)
        {
            return null;
        }

        var anchor = Read(trustDomain, "Anchor:CertificateFile", file, AnchorStage.Active);
        if (options.Value.KeyFile is not { } keyFile)
        {
            return anchor;
        }

        using var key = ReadKey(keyFile);
        var hash = KeyHash.OfPublicKey(key.ExportSubjectPublicKeyInfo());
        if (hash != anchor.KeyHash)
        {
            throw new InvalidDataException($"Anchor:KeyFile {keyFile} holds another key ({hash}) than the certificate in {file} is for ({anchor.KeyHash}).");
        }

        await keys.ImportAsync(key, KeyUse.Anchor, cancellationToken);
        return anchor with { IsOffline = false };
    }

    /// <summary>The standby anchor that the options name; null: they name none.</summary>
    /// <exception cref="InvalidDataException">The file can't be used: every reason.</exception>
    public AnchorRecord? ReadStandby(TrustDomainName trustDomain) => options.Value.StandbyCertificateFile is { } file
        ? Read(trustDomain, "Anchor:StandbyCertificateFile", file, AnchorStage.Standby)
        : null;

    /// <summary>An anchor whose key is elsewhere.</summary>
    /// <exception cref="FormatException">It can't be one: every reason.</exception>
    public AnchorRecord Judge(TrustDomainName trustDomain, ReadOnlyMemory<byte> der, AnchorStage stage)
    {
        var (certificate, now) = (AuthorityProfile.Read(der), clock.GetUtcNow());
        var problems = AuthorityProfile.AnchorProblems(der, trustDomain).ToList();
        if (certificate.NotBefore > now + SvidProfile.ClockSkew)
        {
            problems.Add($"it begins at {certificate.NotBefore:u}, and here it is {now:u}");
        }

        if (certificate.NotAfter < now + issuerOptions.Value.Lifetime)
        {
            problems.Add($"it ends at {certificate.NotAfter:u}, before an issuer would that is made now (Issuer:Lifetime)");
        }

        return problems.Count == 0
            ? new AnchorRecord(certificate.KeyHash, der, stage, certificate.NotBefore, certificate.NotAfter, now, 0, IsOffline: true)
            : throw new FormatException($"The certificate {certificate.Label} cannot be an anchor of {trustDomain}: {string.Join("; ", problems)}.");
    }

    private AnchorRecord Read(TrustDomainName trustDomain, string option, string file, AnchorStage stage)
    {
        try
        {
            var certificates = PemCertificates.Read(File.ReadAllText(file));
            return certificates.Count == 1
                ? Judge(trustDomain, certificates[0], stage)
                : throw new FormatException($"It holds {certificates.Count} certificates; the anchor's alone belongs there.");
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{option} {file} can't be used. {e.Message}");
        }
    }

    private static ECDsa ReadKey(string file)
    {
        var key = ECDsa.Create();
        try
        {
            if ((File.GetUnixFileMode(file) & ~OwnerAlone) != 0)
            {
                throw new InvalidDataException($"Anchor:KeyFile {file} may be read by others than its owner. Run: chmod 600 {file}");
            }

            key.ImportFromPem(File.ReadAllText(file));
            return key;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw e is InvalidDataException ? e : new InvalidDataException(
                e is IOException or UnauthorizedAccessException
                    ? $"Anchor:KeyFile {file} can't be read. {e.Message}"
                    : $"Anchor:KeyFile {file} does not hold one EC private key in PEM, without a passphrase.");
        }
    }
}
