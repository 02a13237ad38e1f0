using Mesh.Grains.Interfaces.Transport;
using Mesh.Spiffe;

namespace Mesh.Silo.Identity;

/// <summary>The silo's own certificate and the bundle that it verifies others under; each handshake reads both anew.</summary>
internal sealed class SiloIdentity(TimeProvider clock) : IControlPlaneIdentity
{
    // Renewal and the bundles that come change it, each its own half.
    private readonly Lock _gate = new();
    private volatile Held? _held;

    /// <inheritdoc/>
    public SvidCredential Credential => Current.Credential;

    /// <inheritdoc/>
    public TrustBundle Bundle => Current.Bundle;

    /// <inheritdoc/>
    public SvidVerifier Verifier { get; } = new(clock);

    /// <summary>Takes a new certificate into use. Connections that are open go on with the one before.</summary>
    public void Use(SvidCredential credential)
    {
        lock (_gate)
        {
            _held = Current with { Credential = credential };
        }
    }

    /// <summary>Whether the bundle in use voids this silo's own certificate.</summary>
    public bool IsVoid => !Verifier.Verify(Credential.Svid.Chain, Bundle).IsValid;

    /// <summary>Whether this silo's certificate is to be replaced before its time. Silos are few, so what is to be soon is at once.</summary>
    public bool MustRenew
    {
        get
        {
            var (credential, bundle) = Current;
            return RenewalSchedule.UrgencyOf(Verifier.Verify(credential.Svid.Chain, bundle), bundle) != RenewalUrgency.InTime;
        }
    }

    /// <summary>Takes a bundle into use where it is newer than the one that is.</summary>
    public void Use(TrustBundle bundle)
    {
        lock (_gate)
        {
            _held = bundle.Sequence > Current.Bundle.Sequence ? Current with { Bundle = bundle } : Current;
        }
    }

    /// <summary>Takes the first certificate and bundle into use, before anything listens.</summary>
    public void Use(SvidCredential credential, TrustBundle bundle) => _held = new Held(credential, bundle);

    private Held Current => _held ?? throw NotYet();

    private static InvalidOperationException NotYet() => new("The silo has no certificate yet.");

    private sealed record Held(SvidCredential Credential, TrustBundle Bundle);
}
