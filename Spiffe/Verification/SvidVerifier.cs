using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>Decides whether a chain is a valid X.509-SVID. Everything in the mesh that meets a certificate asks this class.</summary>
/// <remarks>In this order: the form of the chain, the one SPIFFE ID, the leaf's rules (X509-SVID §4), a path to an anchor of
/// the leaf's own trust domain and no other (RFC 5280), name constraints, issuer purpose, revocations and bans, clocks,
/// and the expected identity last. It is safe for concurrent use.</remarks>
/// <param name="clock">The time to verify at.</param>
/// <param name="skew">How far clocks may differ, at either end of a validity; default 20 s.</param>
public sealed class SvidVerifier(TimeProvider clock, TimeSpan? skew = null)
{
    private readonly TimeSpan _skew = skew ?? SvidProfile.ClockSkew;
    private readonly ConditionalWeakTable<TrustBundle, PreparedBundle> _bundles = [];
    private readonly SignatureMemory _signatures = new();

    /// <summary>Verifies a chain as a peer sent it.</summary>
    /// <param name="chainDer">Leaf first, at most eight certificates of 16 KiB; the others in any order.</param>
    /// <param name="bundle">The bundle in force; a leaf of a federated trust domain is verified against that one's anchors.</param>
    /// <param name="expected">The identity that the peer must have; null: any valid one.</param>
    public SvidVerification Verify(
        IReadOnlyList<ReadOnlyMemory<byte>> chainDer,
        TrustBundle bundle,
        SpiffeId? expected = null)
    {
        if (CheckSize(chainDer) is { } refusal)
        {
            return Refuse(refusal, null);
        }

        var prepared = _bundles.GetValue(bundle, static key => new PreparedBundle(key));
        var validity = new ValidityRules(clock.GetUtcNow(), _skew, Grace: TimeSpan.Zero);
        var digest = DigestOf(chainDer);
        if (prepared.Recall(digest) is { } known && validity.Check(known.NotBefore, known.NotAfter, () => "The path") is null)
        {
            return Compare(known, expected);
        }

        return CheckRules(chainDer, prepared, validity, out var leaf) is { } refused
            ? refused
            : Remember(prepared, digest, leaf!, expected);
    }

    /// <summary>Like <see cref="Verify"/>, for a renewal by record: what ended up to <paramref name="grace"/> ago still counts.</summary>
    /// <remarks>The grace holds for every element of the path, as an issuer often ends with the last leaf it signed.
    /// <see cref="SvidVerification.ValidUntil"/> may lie in the past.</remarks>
    public SvidVerification VerifyIgnoringExpiry(
        IReadOnlyList<ReadOnlyMemory<byte>> chainDer,
        TrustBundle bundle,
        SpiffeId? expected,
        TimeSpan grace)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(grace, TimeSpan.Zero);
        if (CheckSize(chainDer) is { } refusal)
        {
            return Refuse(refusal, null);
        }

        var prepared = _bundles.GetValue(bundle, static key => new PreparedBundle(key));
        var validity = new ValidityRules(clock.GetUtcNow(), _skew, grace);
        return CheckRules(chainDer, prepared, validity, out var leaf) is { } refused ? refused : Compare(leaf!, expected);
    }

    private SvidVerification? CheckRules(
        IReadOnlyList<ReadOnlyMemory<byte>> chainDer,
        PreparedBundle bundle,
        ValidityRules validity,
        out VerifiedLeaf? verified)
    {
        verified = null;
        IReadOnlyList<ParsedCertificate> chain;
        try
        {
            chain = CertificateParser.ParseChain(chainDer);
        }
        catch (FormatException exception)
        {
            return Refuse(new Refusal(SvidRejection.Malformed, exception.Message), null);
        }

        if (LeafIdentity.Read(chain[0], out var id) is { } noIdentity)
        {
            return Refuse(noIdentity, null);
        }

        var svid = X509Svid.Of(id!, chain);
        if (bundle.Find(id!.TrustDomain) is not { } authorities)
        {
            return Refuse(new Refusal(SvidRejection.ForeignTrustDomain, $"No bundle is held for the trust domain {id.TrustDomain} of {id}."), svid);
        }

        if (LeafRules.Check(chain[0], id) is { } noLeaf)
        {
            return Refuse(noLeaf, svid);
        }

        var (path, noPath) = PathBuilder.Find(chain, authorities.Anchors, candidate =>
            PathRules.Check(candidate)
            ?? AuthorityIdentityRules.Check(candidate, id.TrustDomain)
            ?? IssuerPurposeRules.Check(candidate, id, authorities)
            ?? RevocationRules.Check(candidate, id, authorities)
            ?? validity.Check(candidate), _signatures);
        if (path is null)
        {
            return Refuse(noPath!, svid);
        }

        _signatures.Remember(path);
        verified = new VerifiedLeaf(svid, path.NotBefore, path.NotAfter, path.Anchor.KeyHash);
        return null;
    }

    private static SvidVerification Remember(PreparedBundle bundle, KeyHash digest, VerifiedLeaf leaf, SpiffeId? expected)
    {
        bundle.Remember(digest, leaf);
        return Compare(leaf, expected);
    }

    private static SvidVerification Compare(VerifiedLeaf leaf, SpiffeId? expected) =>
        expected is null || leaf.Svid.Id == expected
            ? new SvidVerification(SvidRejection.None, leaf.Svid, "", leaf.NotAfter) { Anchor = leaf.Anchor }
            : Refuse(new Refusal(SvidRejection.UnexpectedIdentity, $"The peer is {leaf.Svid.Id}, and {expected} was expected."), leaf.Svid);

    private static SvidVerification Refuse(Refusal refusal, X509Svid? svid) =>
        new(refusal.Rejection, svid, refusal.Detail, DateTimeOffset.MinValue);

    private static Refusal? CheckSize(IReadOnlyList<ReadOnlyMemory<byte>> chainDer)
    {
        if (chainDer.Count == 0)
        {
            return new Refusal(SvidRejection.EmptyChain, "The peer showed no certificate.");
        }

        return chainDer.Count > SvidProfile.MaxChainLength || chainDer.Any(der => der.Length > SvidProfile.MaxCertificateBytes)
            ? new Refusal(
                SvidRejection.Malformed,
                $"The peer showed {chainDer.Count} certificates, the largest of {chainDer.Max(der => der.Length)} bytes; at most {SvidProfile.MaxChainLength} of {SvidProfile.MaxCertificateBytes} bytes are accepted.")
            : null;
    }

    /// <summary>The SHA-256 over every certificate with its length before it, so that no other split gives the same.</summary>
    private static KeyHash DigestOf(IReadOnlyList<ReadOnlyMemory<byte>> chainDer)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var der in chainDer)
        {
            hash.AppendData(BitConverter.GetBytes(der.Length));
            hash.AppendData(der.Span);
        }

        return KeyHash.OfDigest(hash.GetHashAndReset());
    }
}
