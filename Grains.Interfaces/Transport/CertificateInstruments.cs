using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.Interfaces.Transport;

/// <summary>
/// When the process's own certificate ends, and in a silo the authorities'. Meter <c>Mesh.Certificates</c>; every name is listed in
/// docs/metrics.md.
/// </summary>
/// <remarks>A scrape reads what the process holds and asks nobody.</remarks>
public sealed class CertificateInstruments
{
    private static readonly string[] RequestPurposes = ["workload", "control-plane", "bundle"];

    private readonly IControlPlaneIdentity _identity;
    private readonly TimeProvider _clock;

    private volatile TrustDomainStatus? _trust;

    /// <summary>Creates the gauges. They show nothing before the process has a certificate.</summary>
    public CertificateInstruments(IMeterFactory meters, IControlPlaneIdentity identity, TimeProvider clock)
    {
        (_identity, _clock) = (identity, clock);
        var meter = meters.Create("Mesh.Certificates");
        meter.CreateObservableGauge(
            "mesh.certificate.expiration_timestamp", () => Observe(held => held.NotAfter.ToUnixTimeSeconds()), "s",
            "When a certificate ends, in seconds since 1970.");
        meter.CreateObservableGauge(
            "mesh.certificate.life_left_ratio", () => Observe(LifeLeft), "1", "How much of a certificate's validity is left: 1 when issued, 0 when ended.");
        meter.CreateObservableGauge(
            "mesh.authority.requests", Requests, "{request}", "Keys that wait for a certificate, since their anchor's key is elsewhere.");
    }

    /// <summary>The sequence of the authorities that are shown; 0 before the first.</summary>
    public long Sequence => _trust?.Sequence ?? 0;

    /// <summary>Takes the authorities that are shown from here on. Older ones than those shown change nothing.</summary>
    public void Show(TrustDomainStatus trust)
    {
        if (trust.Sequence > Sequence)
        {
            _trust = trust;
        }
    }

    private double LifeLeft(Held held) =>
        Math.Clamp((held.NotAfter - _clock.GetUtcNow()) / (held.NotAfter - held.NotBefore), 0, 1);

    private IEnumerable<Measurement<double>> Observe(Func<Held, double> value) =>
        Certificates().Select(held => new Measurement<double>(value(held), held.Labels));

    private IEnumerable<Measurement<int>> Requests() => _trust is not { } trust
        ? []
        : RequestPurposes.Select(purpose => new Measurement<int>(
            trust.Requests.Count(request => request.Purpose == purpose), new KeyValuePair<string, object?>("purpose", purpose)));

    private IEnumerable<Held> Certificates()
    {
        var own = _identity.Credential.Svid;
        var authorities = _trust is { } trust ? trust.Anchors.AddRange(trust.Issuers) : ImmutableArray<AuthorityStatus>.Empty;
        return authorities
            .Select(authority => new Held(
                authority.NotBefore, authority.NotAfter,
                [new("purpose", authority.Purpose), new("stage", authority.Stage), new("key", authority.KeyHash.ToString())]))
            .Prepend(new Held(own.NotBefore, own.NotAfter, [new("purpose", WordOf(own.Id.Role))]));
    }

    private static string WordOf(IdentityRole role) => role == IdentityRole.Silo ? "silo" : "proxyhost";

    private sealed record Held(DateTimeOffset NotBefore, DateTimeOffset NotAfter, KeyValuePair<string, object?>[] Labels);
}
