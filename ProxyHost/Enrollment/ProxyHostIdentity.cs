using Mesh.Grains.Interfaces.Transport;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Enrollment;

/// <summary>The ProxyHost's own certificate and the bundle in force, swapped as one; each handshake reads them anew.</summary>
internal sealed class ProxyHostIdentity(TimeProvider clock, EnrollmentFolder folder) : IControlPlaneIdentity
{
    private readonly Lock _gate = new();
    private volatile SvidCredential? _credential;
    private volatile SignedBundle? _bundle = folder.ReadBundle();

    /// <inheritdoc/>
    public SvidCredential Credential => _credential ?? throw new InvalidOperationException("The ProxyHost is not enrolled yet.");

    /// <inheritdoc/>
    public TrustBundle Bundle => _bundle?.Bundle ?? throw new InvalidOperationException("The ProxyHost has no trust bundle yet.");

    /// <inheritdoc/>
    public SvidVerifier Verifier { get; } = new(clock);

    /// <summary>The bundle as it is handed on; null before first contact.</summary>
    public SignedBundle? SignedBundle => _bundle;

    public bool IsEnrolled => _credential is not null;

    public string Name => Credential.Svid.Id.Path[(Credential.Svid.Id.Path.LastIndexOf('/') + 1)..];

    /// <summary>Takes a new certificate into use. Connections that are open go on with the one before.</summary>
    public void Use(SvidCredential credential) => _credential = credential;

    /// <summary>Takes the bundle of a first contact into use.</summary>
    public void AcceptFirst(SignedBundle bundle)
    {
        lock (_gate)
        {
            folder.WriteBundle(bundle);
            _bundle = bundle;
        }
    }

    /// <summary>Takes a newer bundle into use; false where it is the one that is held.</summary>
    /// <exception cref="FormatException">It is not a bundle.</exception>
    /// <exception cref="BundleRejectedException">It may not follow the one that is held.</exception>
    public bool Accept(string signedBundle)
    {
        var bundle = Spiffe.SignedBundle.Parse(signedBundle);
        lock (_gate)
        {
            if (_bundle is not { } held)
            {
                throw new InvalidOperationException("A first bundle is accepted by first contact.");
            }

            bundle.VerifySuccessor(held.Bundle, clock.GetUtcNow());
            if (bundle.Bundle.Sequence == held.Bundle.Sequence)
            {
                return false;
            }

            folder.WriteBundle(bundle);
            _bundle = bundle;
            return true;
        }
    }
}
