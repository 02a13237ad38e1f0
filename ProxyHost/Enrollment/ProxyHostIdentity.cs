using Mesh.Grains.Interfaces.Transport;
using Mesh.Spiffe;

namespace Mesh.ProxyHost.Enrollment;

/// <summary>The ProxyHost's own certificate and the bundle in force; each handshake reads them anew.</summary>
internal sealed class ProxyHostIdentity(TimeProvider clock, EnrollmentFolder folder) : IControlPlaneIdentity
{
    private volatile SvidCredential? _credential;

    /// <inheritdoc/>
    public SvidCredential Credential => _credential ?? throw new InvalidOperationException("The ProxyHost is not enrolled yet.");

    /// <inheritdoc/>
    public TrustBundle Bundle => Bundles.Bundle;

    /// <inheritdoc/>
    public SvidVerifier Verifier { get; } = new(clock);

    public BundleKeeper Bundles { get; } = new(folder, clock);

    /// <summary>The last part of the SPIFFE ID.</summary>
    public string Name => Credential.Svid.Id.Path[(Credential.Svid.Id.Path.LastIndexOf('/') + 1)..];

    /// <summary>Takes a new certificate into use. Connections that are open go on with the one before.</summary>
    public void Use(SvidCredential credential) => _credential = credential;
}
