using System.Collections.Immutable;
using Mesh.Grains.Certificates;
using Mesh.Grains.Keys;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>A key's way to its certificate where the anchor's key is elsewhere: requested, then installed. Pure.</summary>
internal static class RequestTransitions
{
    /// <summary>Keys wait for a certificate from now on.</summary>
    public static TrustDomainState WithRequests(this TrustDomainState state, IEnumerable<AuthorityRequestRecord> requests) =>
        state with { Requests = state.Requests.AddRange(requests) };

    /// <summary>Nothing waits for an anchor any more.</summary>
    public static TrustDomainState WithoutRequests(this TrustDomainState state, KeyHash anchor) => state with
    {
        Requests = state.Requests.RemoveAll(request => request.Anchor == anchor),
        NextBundleSigner = state.NextBundleSigner?.Anchor == anchor ? null : state.NextBundleSigner,
    };

    /// <summary>A certificate takes the place of its request. Where nothing signs for that use, its key signs at once.</summary>
    public static TrustDomainState WithCertificate(
        this TrustDomainState state, AuthorityRequestRecord request, ReadOnlyMemory<byte> der, AuthorityCertificate certificate, DateTimeOffset now, TimeSpan longestLeaf)
    {
        var next = state with { Requests = state.Requests.Remove(request) };
        if (request.Use.IssuerPurpose() is not { } purpose)
        {
            return next.WithBundleSigner(new BundleSignerRecord(request.KeyHash, der, request.Anchor, certificate.NotBefore, certificate.NotAfter));
        }

        var issuer = new IssuerRecord(
            request.KeyHash, der, purpose, IssuerStage.Prepared, certificate.NotBefore, certificate.NotAfter, request.Anchor, now, certificate.NotAfter);
        var isNeeded = request.Anchor == state.ActiveAnchor.KeyHash && (state.ActiveIssuer(purpose) is not { } active || now >= active.NotAfter);
        return isNeeded ? next.WithActivated(issuer, now, longestLeaf) : next.WithPrepared(issuer);
    }

    /// <summary>Keys whose successor is not certified, although it is due: whoever keeps the anchor has to sign.</summary>
    public static ImmutableArray<AuthorityRequestRecord> Overdue(this TrustDomainState state, double rotateAt, DateTimeOffset now) =>
        [.. state.Requests.Where(request => request.Anchor == state.ActiveAnchor.KeyHash && IsDue(state, request.Use, rotateAt, now))];

    /// <summary>Whether the key in use has lived its share, or there is none.</summary>
    public static bool IsDue(this TrustDomainState state, KeyUse use, double rotateAt, DateTimeOffset now)
    {
        var (notBefore, notAfter) = use.IssuerPurpose() is { } purpose
            ? (state.ActiveIssuer(purpose)?.NotBefore, state.ActiveIssuer(purpose)?.NotAfter)
            : (state.BundleSigner?.NotBefore, state.BundleSigner?.NotAfter);
        var isMissing = use == KeyUse.Bundle ? state.BundleSigner is null : notAfter is null;
        return isMissing || (notBefore is { } from && notAfter is { } until && now >= from + ((until - from) * rotateAt));
    }

    /// <summary>When the key in use ends; null: there is none, or it ends with its anchor.</summary>
    public static DateTimeOffset? EndOf(this TrustDomainState state, KeyUse use) =>
        use.IssuerPurpose() is { } purpose ? state.ActiveIssuer(purpose)?.NotAfter : state.BundleSigner?.NotAfter;

    // A new bundle key under the anchor that the present one hangs on is taken at once: everybody's bundle has that anchor.
    private static TrustDomainState WithBundleSigner(this TrustDomainState state, BundleSignerRecord signer) =>
        state.BundleSigner is null || state.BundleSigner.Anchor == signer.Anchor
            ? state with { BundleSigner = signer }
            : state with { NextBundleSigner = signer };
}
