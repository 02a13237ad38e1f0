using System.Security.Cryptography;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Issuers;
using Mesh.Grains.Keys;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.TrustDomains;

/// <summary>Takes certificates that an anchor signed elsewhere: all of them, or none and the reasons.</summary>
/// <remarks>
/// What a certificate says is compared with the profile, and what it is good for is tried: its key signs a leaf, or the bundle, which the
/// same verifier judges that every proxy has.
/// </remarks>
internal sealed class CertificateInstaller(IKeyStore keys, IOptions<LeafOptions> leafOptions, TimeProvider clock)
{
    /// <summary>The most certificates that are read at once.</summary>
    public const int MaxCertificates = 16;

    private static readonly TimeSpan LongestLife = TimeSpan.FromDays(366);

    /// <summary>The state with the certificates in their places; the same state where all of them are there already.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: what is wrong with which, every reason at once.</exception>
    public async Task<TrustDomainState> InstallAsync(
        TrustDomainState state, IReadOnlyList<ReadOnlyMemory<byte>> certificates, CancellationToken cancellationToken)
    {
        if (certificates.Count is 0 or > MaxCertificates)
        {
            throw new MeshException(MeshError.InvalidRequest, $"{certificates.Count} certificates were given; 1 to {MaxCertificates} are read at once.");
        }

        var (next, problems) = (state, new List<string>());
        for (var i = 0; i < certificates.Count; i++)
        {
            AuthorityCertificate certificate;
            try
            {
                certificate = AuthorityProfile.Read(certificates[i]);
            }
            catch (FormatException e)
            {
                problems.Add($"Certificate {i + 1} can't be read. {e.Message}");
                continue;
            }

            if (IsHeld(next, certificates[i]))
            {
                continue;
            }

            if (next.Requests.FirstOrDefault(request => request.KeyHash == certificate.KeyHash) is not { } request)
            {
                problems.Add($"The certificate {certificate.Label} is for a key that awaits none: mesh issuer csr prints those that do.");
                continue;
            }

            var wrong = await ProblemsAsync(next, request, certificates[i], certificate, cancellationToken);
            problems.AddRange(wrong.Select(problem => $"The certificate {certificate.Label} for the {request.Use.Word()} key is refused: {problem.TrimEnd('.')}."));
            if (wrong.Count == 0)
            {
                next = next.WithCertificate(request, certificates[i], certificate, clock.GetUtcNow(), leafOptions.Value.Longest);
            }
        }

        return problems.Count == 0 ? next : throw new MeshException(MeshError.InvalidRequest, string.Join(' ', problems));
    }

    // The anchor comes along with many a chain, and the same file may be installed twice.
    private static bool IsHeld(TrustDomainState state, ReadOnlyMemory<byte> der) =>
        state.Anchors.Select(anchor => anchor.Certificate)
            .Concat(state.Issuers.Select(issuer => issuer.Certificate))
            .Concat(new[] { state.BundleSigner, state.NextBundleSigner }.OfType<BundleSignerRecord>().Select(signer => signer.Certificate))
            .Any(held => held.Span.SequenceEqual(der.Span));

    private async Task<IReadOnlyList<string>> ProblemsAsync(
        TrustDomainState state, AuthorityRequestRecord request, ReadOnlyMemory<byte> der, AuthorityCertificate certificate, CancellationToken cancellationToken)
    {
        var anchor = state.Anchors.First(candidate => candidate.KeyHash == request.Anchor);
        var problems = LifeProblems(certificate, anchor, isIssuer: request.Use != KeyUse.Bundle).ToList();
        if (request.Use != KeyUse.Bundle)
        {
            problems.AddRange(AuthorityProfile.IssuerProblems(der, TrustDomainName.Parse(state.Name)));
        }

        // What is wrong by its own words needs no trial, which would say less.
        if (problems.Count == 0 && await TryAsync(state, request, der, anchor, cancellationToken) is { } refusal)
        {
            problems.Add(refusal);
        }

        return problems;
    }

    private IEnumerable<string> LifeProblems(AuthorityCertificate certificate, AnchorRecord anchor, bool isIssuer)
    {
        var now = clock.GetUtcNow();
        if (certificate.NotBefore > now + SvidProfile.ClockSkew)
        {
            yield return $"it begins at {certificate.NotBefore:u}, and here it is {now:u}";
        }

        if (certificate.NotAfter < now + leafOptions.Value.Longest)
        {
            yield return $"it ends at {certificate.NotAfter:u}, before a leaf would that is signed now";
        }

        if (certificate.NotAfter > anchor.NotAfter)
        {
            yield return $"it ends at {certificate.NotAfter:u}, after its anchor, which ends at {anchor.NotAfter:u}";
        }

        if (isIssuer && certificate.NotAfter - certificate.NotBefore > LongestLife)
        {
            yield return $"it lives for {(certificate.NotAfter - certificate.NotBefore).TotalDays:0} days; an issuer lives for {LongestLife.TotalDays:0} at the most";
        }
    }

    private async Task<string?> TryAsync(
        TrustDomainState state, AuthorityRequestRecord request, ReadOnlyMemory<byte> der, AnchorRecord anchor, CancellationToken cancellationToken)
    {
        using var key = await keys.LoadAsync(request.KeyHash, request.Use, cancellationToken)
            ?? throw new InvalidOperationException($"The key store does not hold the key {request.KeyHash}, which awaits a certificate.");
        var now = clock.GetUtcNow();
        // Under the one anchor that was asked, and no other that happens to be in the bundle.
        var bundle = (state with { Anchors = [anchor] }).ToBundle(now);
        return request.Use.IssuerPurpose() is { } purpose
            ? TryIssuer(bundle, purpose, request.KeyHash, new Signer(der, key), now)
            : TryBundleKey(bundle, anchor, key, der, now);
    }

    private string? TryIssuer(TrustBundle bundle, AuthorityPurpose purpose, KeyHash keyHash, Signer signer, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = purpose == AuthorityPurpose.Workload
            ? SpiffeId.ForWorkload(bundle.TrustDomain, "trial", "trial")
            : SpiffeId.ForSilo(bundle.TrustDomain, "trial");
        var leaf = LeafCertificate.Create(
            id, "trial", key.ExportSubjectPublicKeyInfo(), signer, Validity.From(now, TimeSpan.FromMinutes(1)).Backdated(SvidProfile.Backdating));
        var asked = purpose == AuthorityPurpose.ControlPlane
            ? bundle with { ControlPlaneIssuers = [.. bundle.ControlPlaneIssuers, keyHash] }
            : bundle;
        var verdict = new SvidVerifier(clock).Verify([leaf, signer.CertificateDer], asked, id);
        return verdict.IsValid ? null : verdict.Detail;
    }

    private static string? TryBundleKey(TrustBundle bundle, AnchorRecord anchor, ECDsa key, ReadOnlyMemory<byte> der, DateTimeOffset now)
    {
        try
        {
            SignedBundle.Sign(bundle, key, der).VerifyFirstContact(bundle.TrustDomain, [anchor.KeyHash], now);
            return null;
        }
        catch (BundleRejectedException refusal)
        {
            return refusal.Message;
        }
    }
}
