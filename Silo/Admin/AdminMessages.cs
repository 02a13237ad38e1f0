using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Spiffe;

namespace Mesh.Silo.Admin;

/// <summary>Between the admin API's messages and what grains say.</summary>
internal static class AdminMessages
{
    private static readonly TimeSpan DefaultTokenLifetime = TimeSpan.FromHours(1);

    public static TimeSpan Lifetime(Duration? duration) => duration?.ToTimeSpan() ?? DefaultTokenLifetime;

    public static Uri Address(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address)
        ? address
        : throw new MeshException(MeshError.InvalidRequest, $"'{text}' is not https://HOST:PORT.");

    public static Mesh.Admin.V1.JoinToken ToMessage(IssuedJoinToken token) => new()
    {
        Token = token.Text,
        SpiffeId = token.Subject.ToString(),
        ExpiresAt = token.ExpiresAt.ToTimestamp(),
    };

    public static TrustDomain ToMessage(TrustDomainStatus status) => new()
    {
        Name = status.Name,
        Sequence = status.Sequence,
        Epoch = status.Epoch,
        Anchors = { status.Anchors.Select(ToMessage) },
        Issuers = { status.Issuers.Select(ToMessage) },
        Revocations =
        {
            status.Revocations.Select(revocation => new Mesh.Admin.V1.Revocation
            {
                KeyHash = revocation.KeyHash.ToString(),
                RevokedAt = revocation.RevokedAt.ToTimestamp(),
                Reason = revocation.Reason,
            }),
        },
        Requests =
        {
            status.Requests.Select(request => new AuthorityRequest
            {
                KeyHash = request.KeyHash.ToString(),
                Purpose = request.Purpose,
                AnchorKeyHash = request.Anchor.ToString(),
                Since = request.Since.ToTimestamp(),
                Csr = PemEncoding.WriteString("CERTIFICATE REQUEST", request.Csr.Span),
                IsOverdue = request.IsOverdue,
            }),
        },
    };

    /// <summary>The certificates of a request.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: there is none, or something else.</exception>
    public static ImmutableArray<ReadOnlyMemory<byte>> Certificates(string pem)
    {
        try
        {
            return [.. PemCertificates.Read(pem)];
        }
        catch (FormatException e)
        {
            throw new MeshException(MeshError.InvalidRequest, e.Message);
        }
    }

    public static Service ToMessage(ServiceSnapshot service) => new()
    {
        Name = service.Name,
        Version = service.Version,
        Endpoints =
        {
            service.Endpoints.Select(endpoint => new Mesh.Admin.V1.Endpoint { Address = endpoint.Address, SpiffeId = endpoint.Identity?.ToString() ?? "" }),
        },
        Addresses = { service.Addresses },
    };

    /// <summary>An instance with its whole chain: leaf, issuer, and the anchor that the issuer hangs on.</summary>
    public static Mesh.Admin.V1.Identity ToMessage(WorkloadInstance instance, TrustDomainStatus trust, string defaultPolicy)
    {
        var svid = X509Svid.Parse(instance.Chain);
        return new Mesh.Admin.V1.Identity
        {
            SpiffeId = svid.Id.ToString(),
            InstanceId = instance.InstanceId,
            SerialNumber = svid.SerialNumber,
            NotBefore = svid.NotBefore.ToTimestamp(),
            NotAfter = svid.NotAfter.ToTimestamp(),
            Chain = { instance.Chain.Select(Pem), AnchorOf(instance, trust).Select(anchor => Pem(anchor.Certificate)) },
            Proxyhost = instance.ProxyHost ?? "",
            LastSeen = instance.LastSeen?.ToTimestamp(),
            DefaultPolicy = defaultPolicy,
        };
    }

    private static List<AuthorityStatus> AnchorOf(WorkloadInstance instance, TrustDomainStatus trust)
    {
        using var issuer = X509CertificateLoader.LoadCertificate(instance.Chain[^1].Span);
        var issuedBy = issuer.IssuerName.RawData;
        return [.. trust.Anchors.Where(anchor =>
        {
            using var certificate = X509CertificateLoader.LoadCertificate(anchor.Certificate.Span);
            return certificate.SubjectName.RawData.AsSpan().SequenceEqual(issuedBy);
        })];
    }

    private static Authority ToMessage(AuthorityStatus authority) => new()
    {
        KeyHash = authority.KeyHash.ToString(),
        Purpose = authority.Purpose,
        Stage = authority.Stage,
        NotBefore = authority.NotBefore.ToTimestamp(),
        NotAfter = authority.NotAfter.ToTimestamp(),
        Certificate = Pem(authority.Certificate),
        Since = authority.Since.ToTimestamp(),
        AnchorKeyHash = authority.Anchor?.ToString() ?? "",
        LeavesUntil = authority.LeavesUntil?.ToTimestamp(),
        IsOffline = authority.IsOffline,
    };

    private static string Pem(ReadOnlyMemory<byte> der) => PemEncoding.WriteString("CERTIFICATE", der.Span);
}
