using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>A trust bundle as it travels: a compact JWS (ES256) whose header carries the bundle key's certificate.</summary>
public sealed record SignedBundle
{
    /// <summary>The header's <c>typ</c>.</summary>
    public const string Type = "mesh-bundle+jws";

    /// <summary>The longest JWS that is read or made: 1 MiB.</summary>
    public const int MaxChars = 1024 * 1024;

    /// <summary>How far ahead of the reader's clock a bundle may have been signed: 1 minute.</summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(1);

    /// <summary>How long a signature counts as fresh: 1 hour.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromHours(1);

    private readonly JwsMessage _message;

    private SignedBundle(string jws, JwsMessage message)
    {
        Jws = jws;
        _message = message;
        Bundle = TrustBundleJson.Read(message.Payload.Span);
        Digest = Convert.ToHexStringLower(SHA256.HashData(message.Payload.Span));
    }

    /// <summary>The JWS itself.</summary>
    public string Jws { get; }

    /// <summary>The content. Nobody has verified it until <see cref="VerifyFirstContact"/> or <see cref="VerifySuccessor"/> returned.</summary>
    public TrustBundle Bundle { get; }

    /// <summary>The SHA-256 of the payload in lower-case hex.</summary>
    public string Digest { get; }

    /// <summary>The key that signed, as its certificate names it: SubjectPublicKeyInfo, DER.</summary>
    internal ReadOnlyMemory<byte> SignerPublicKey => CertificateParser.Parse(_message.Certificates[0]).SubjectPublicKeyInfo;

    /// <summary>Signs a bundle.</summary>
    /// <param name="bundle">Its <see cref="TrustBundle.SignedAt"/> is the time of signing.</param>
    /// <param name="bundleKey">A key on P-256.</param>
    /// <param name="bundleKeyCertificateDer">The key's certificate, which an anchor signed; see <see cref="BundleKeyCertificate"/>.</param>
    /// <exception cref="ArgumentException">The key doesn't fit the certificate or ES256, or the bundle is too large.</exception>
    public static SignedBundle Sign(TrustBundle bundle, ECDsa bundleKey, ReadOnlyMemory<byte> bundleKeyCertificateDer)
    {
        if (CertificateParser.Parse(bundleKeyCertificateDer).KeyHash != KeyHash.OfPublicKey(bundleKey.ExportSubjectPublicKeyInfo()))
        {
            throw new ArgumentException("The certificate is not that of the bundle key.", nameof(bundleKeyCertificateDer));
        }

        var jws = CompactJws.Sign(Type, TrustBundleJson.Write(bundle), bundleKey, certificates: [bundleKeyCertificateDer]);
        return jws.Length <= MaxChars
            ? Parse(jws)
            : throw new ArgumentException($"The signed bundle would have {jws.Length} characters; at most {MaxChars} are allowed.", nameof(bundle));
    }

    /// <summary>Reads a signed bundle and verifies nothing.</summary>
    /// <exception cref="FormatException">Not a signed bundle; the message says why.</exception>
    public static SignedBundle Parse(string jws)
    {
        var message = CompactJws.Parse(jws, MaxChars);
        if (message.Algorithm != CompactJws.Es256 || message.Type != Type)
        {
            throw new FormatException($"A signed bundle has the algorithm {CompactJws.Es256} and the type '{Type}'.");
        }

        return message.Certificates.Count == 1
            ? new SignedBundle(jws, message)
            : throw new FormatException($"The 'x5c' of the signed bundle has {message.Certificates.Count} certificates; it must have the bundle key's.");
    }

    /// <summary>Accepts a first bundle by the anchors' hashes that came from elsewhere: a join token, an operator.</summary>
    /// <param name="expected">The trust domain that the hashes were given for.</param>
    /// <param name="pinnedAnchors">The key that signed must be certified by an anchor with one of these hashes.</param>
    /// <param name="now">The reader's time.</param>
    /// <exception cref="BundleRejectedException">A rule is broken.</exception>
    public void VerifyFirstContact(TrustDomainName expected, IReadOnlyCollection<KeyHash> pinnedAnchors, DateTimeOffset now)
    {
        CheckContent(expected, now);
        var pinned = Bundle.Anchors.Where(anchor => pinnedAnchors.Contains(anchor.KeyHash)).ToList();
        if (pinned.Count == 0)
        {
            throw new BundleRejectedException(
                BundleRejection.UnknownSigner,
                $"None of the {Bundle.Anchors.Count} anchors of {expected}'s bundle has one of the {pinnedAnchors.Count} expected hashes.");
        }

        CheckSignature(pinned, Bundle.Revocations, now);
    }

    /// <summary>Accepts a bundle that follows another one.</summary>
    /// <param name="lastAccepted">The bundle that is in force; one of its anchors must certify the key that signed.</param>
    /// <param name="now">The reader's time.</param>
    /// <exception cref="BundleRejectedException">A rule is broken; the bundle in force stays.</exception>
    public void VerifySuccessor(TrustBundle lastAccepted, DateTimeOffset now)
    {
        CheckContent(lastAccepted.TrustDomain, now);
        CheckSignature(lastAccepted.Anchors, lastAccepted.Revocations, now);
        SuccessionRules.Check(Bundle, lastAccepted, now);
    }

    /// <summary>
    /// Accepts a bundle of before a restore, for what the restored trust domain has forgotten: it counts as that trust domain's own where an
    /// anchor of the bundle in force certifies the key that signed it.
    /// </summary>
    /// <param name="inForce">The bundle of the restored trust domain.</param>
    /// <param name="now">The reader's time.</param>
    /// <exception cref="BundleRejectedException">A rule is broken; nothing of it counts.</exception>
    public void VerifyForgotten(TrustBundle inForce, DateTimeOffset now)
    {
        CheckContent(inForce.TrustDomain, now);
        CheckSignature(inForce.Anchors, inForce.Revocations, now);
    }

    /// <summary>Whether both are the same JWS.</summary>
    public bool Equals(SignedBundle? other) => other is not null && Jws == other.Jws;

    /// <inheritdoc/>
    public override int GetHashCode() => Jws.GetHashCode(StringComparison.Ordinal);

    private void CheckContent(TrustDomainName expected, DateTimeOffset now)
    {
        if (Bundle.TrustDomain != expected)
        {
            throw new BundleRejectedException(
                BundleRejection.ForeignTrustDomain,
                $"The bundle is that of the trust domain {Bundle.TrustDomain}, and {expected}'s was expected.");
        }

        if (Bundle.Anchors.Count == 0)
        {
            throw new BundleRejectedException(BundleRejection.Malformed, $"The bundle of {expected} has no anchor, so that nothing could follow it.");
        }

        if (Bundle.SignedAt > now + MaxAhead)
        {
            throw new BundleRejectedException(
                BundleRejection.SignedInFuture,
                $"The bundle was signed at {Describe.Time(Bundle.SignedAt)}, and here it is {Describe.Time(now)}: compare the clocks.");
        }
    }

    private void CheckSignature(IReadOnlyList<TrustAnchor> anchors, IReadOnlyList<Revocation> revocations, DateTimeOffset now)
    {
        ParsedCertificate? signer;
        string? refusal;
        try
        {
            signer = BundleKeyCertificate.Verify(_message.Certificates[0], Bundle.TrustDomain, anchors, revocations, now, out refusal);
        }
        catch (FormatException exception)
        {
            throw new BundleRejectedException(BundleRejection.UnknownSigner, $"The bundle key's certificate can't be read. {exception.Message}");
        }

        if (signer is null)
        {
            throw new BundleRejectedException(BundleRejection.UnknownSigner, $"No accepted anchor certifies the key that signed the bundle. {refusal}");
        }

        if (!_message.Verify(signer.SubjectPublicKeyInfo))
        {
            throw new BundleRejectedException(BundleRejection.BadSignature, "The bundle's signature is not by the key that it names.");
        }
    }
}
