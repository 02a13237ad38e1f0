namespace Mesh.Spiffe;

/// <summary>Finds a path from a leaf to an anchor that passes every rule (RFC 4158), within bounded work.</summary>
/// <remarks>The certificates between may come in any order, with superfluous ones among them. An issuer is a candidate
/// by its name and, where both name one, by its key identifier. No pair of certificates has its signature checked twice.</remarks>
internal sealed class PathBuilder
{
    private const int MaxSignatureChecks = 64;
    private const int MaxSteps = 256;

    private readonly ParsedCertificate[] _intermediates;
    private readonly IReadOnlyList<ParsedCertificate> _anchors;
    private readonly SignatureMemory? _memory;
    private readonly Func<CertificatePath, Refusal?> _judge;
    private readonly Dictionary<(ParsedCertificate Certificate, ParsedCertificate Issuer), Refusal?> _signatures =
        new(ReferencePairComparer.Instance);

    private Refusal? _wholePathRefusal;
    private Refusal? _signatureRefusal;
    private ParsedCertificate _furthest;
    private int _steps;
    private bool _gaveUp;

    private PathBuilder(
        IReadOnlyList<ParsedCertificate> chain,
        IReadOnlyList<ParsedCertificate> anchors,
        SignatureMemory? memory,
        Func<CertificatePath, Refusal?> judge)
    {
        _furthest = chain[0];
        _intermediates = [.. chain.Skip(1).DistinctBy(certificate => Convert.ToHexString(certificate.Der.Span))];
        _anchors = anchors;
        _memory = memory;
        _judge = judge;
    }

    /// <summary>Returns the first path that <paramref name="judge"/> lets pass, or why there is none.</summary>
    /// <param name="chain">Leaf first, then candidates for issuers.</param>
    /// <param name="anchors">Where paths may end.</param>
    /// <param name="judge">The rules for a path whose names and signatures chain.</param>
    /// <param name="memory">Signatures that were found good before; null: none.</param>
    public static (CertificatePath? Path, Refusal? Refusal) Find(
        IReadOnlyList<ParsedCertificate> chain,
        IReadOnlyList<ParsedCertificate> anchors,
        Func<CertificatePath, Refusal?> judge,
        SignatureMemory? memory = null)
    {
        var builder = new PathBuilder(chain, anchors, memory, judge);
        var path = builder.Extend([chain[0]]);
        return path is null ? (null, builder.Explain()) : (path, null);
    }

    private CertificatePath? Extend(List<ParsedCertificate> path)
    {
        if (++_steps > MaxSteps)
        {
            _gaveUp = true;
            return null;
        }

        var current = path[^1];
        foreach (var anchor in _anchors)
        {
            if (IsIssuer(current, anchor) && Judge(new CertificatePath([.. path, anchor])) is { } accepted)
            {
                return accepted;
            }
        }

        foreach (var intermediate in _intermediates)
        {
            if (path.Exists(element => IsSameEntity(element, intermediate)) || !IsIssuer(current, intermediate))
            {
                continue;
            }

            _furthest = intermediate;
            path.Add(intermediate);
            if (Extend(path) is { } accepted)
            {
                return accepted;
            }

            path.RemoveAt(path.Count - 1);
        }

        return null;
    }

    private CertificatePath? Judge(CertificatePath path)
    {
        var refusal = _judge(path);
        _wholePathRefusal ??= refusal;
        return refusal is null ? path : null;
    }

    private bool IsIssuer(ParsedCertificate certificate, ParsedCertificate candidate)
    {
        if (!certificate.Issuer.Span.SequenceEqual(candidate.Subject.Span) || IdentifiersDiffer(certificate, candidate))
        {
            return false;
        }

        if (!_signatures.TryGetValue((certificate, candidate), out var refusal))
        {
            if (_signatures.Count == MaxSignatureChecks)
            {
                _gaveUp = true;
                return false;
            }

            refusal = _memory?.Knows(certificate, candidate) == true ? null : SignatureCheck.Check(certificate, candidate);
            _signatures.Add((certificate, candidate), refusal);
        }

        _signatureRefusal ??= refusal;
        return refusal is null;
    }

    private Refusal Explain() =>
        _wholePathRefusal
        ?? _signatureRefusal
        ?? (_gaveUp
            ? new Refusal(SvidRejection.UnknownAuthority, "The chain's certificates name each other in so many ways that the search for a path was given up.")
            : new Refusal(SvidRejection.UnknownAuthority, $"None of the bundle's {_anchors.Count} anchors issued the certificate {_furthest.Label}, where the chain ends."));

    private static bool IdentifiersDiffer(ParsedCertificate certificate, ParsedCertificate candidate) =>
        certificate.Extensions.AuthorityKeyIdentifier is { } wanted
        && candidate.Extensions.SubjectKeyIdentifier is { } offered
        && !wanted.Span.SequenceEqual(offered.Span);

    /// <summary>The same name with the same key: to pass it twice would be a loop.</summary>
    private static bool IsSameEntity(ParsedCertificate one, ParsedCertificate other) =>
        one.KeyHash == other.KeyHash && one.Subject.Span.SequenceEqual(other.Subject.Span);

    private sealed class ReferencePairComparer : IEqualityComparer<(ParsedCertificate Certificate, ParsedCertificate Issuer)>
    {
        public static readonly ReferencePairComparer Instance = new();

        public bool Equals((ParsedCertificate Certificate, ParsedCertificate Issuer) x, (ParsedCertificate Certificate, ParsedCertificate Issuer) y) =>
            ReferenceEquals(x.Certificate, y.Certificate) && ReferenceEquals(x.Issuer, y.Issuer);

        public int GetHashCode((ParsedCertificate Certificate, ParsedCertificate Issuer) pair) =>
            HashCode.Combine(pair.Certificate.KeyHash, pair.Issuer.KeyHash);
    }
}
