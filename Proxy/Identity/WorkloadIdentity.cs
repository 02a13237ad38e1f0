using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Identity;

/// <summary>
/// One workload's identity: its certificate, the bundle and the policy in force. An object, not process-wide state, so that one
/// process can hold several.
/// </summary>
internal sealed class WorkloadIdentity(EnrollmentFolder folder, TimeProvider clock)
{
    private volatile SvidCredential? _credential;
    private volatile WorkloadPolicy? _policy;
    private TaskCompletionSource<SvidCredential> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _refreshes;

    public SvidVerifier Verifier { get; } = new(clock);

    public BundleKeeper Bundles { get; } = new(folder, clock);

    /// <summary>The certificate in use; null before enrollment.</summary>
    public SvidCredential? Credential => _credential;

    /// <summary>The policy in force; null before the first.</summary>
    public WorkloadPolicy? Policy => _policy;

    /// <summary>Certificates taken into use so far.</summary>
    public long Refreshes => Interlocked.Read(ref _refreshes);

    /// <summary>Raised after a bundle was accepted, so that open connections are judged again.</summary>
    public event Action? BundleChanged
    {
        add => Bundles.Changed += value;
        remove => Bundles.Changed -= value;
    }

    /// <summary>Whether connections may be served: certificate, bundle and policy are there. Nothing passes before.</summary>
    public bool IsReady => _credential is not null && Bundles.Held is not null && _policy is not null;

    /// <summary>Ends when the next certificate is in use.</summary>
    public Task NextCredential => Volatile.Read(ref _next).Task;

    public void Use(SvidCredential credential)
    {
        _credential = credential;
        Interlocked.Increment(ref _refreshes);
        Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult(credential);
    }

    public void Use(WorkloadPolicy policy) => _policy = policy;

    /// <summary>Takes a bundle from a ProxyHost.</summary>
    /// <exception cref="FormatException">It is not a bundle.</exception>
    /// <exception cref="BundleRejectedException">It may not follow the one that is held.</exception>
    public void Accept(string signedBundle) => Bundles.Accept(signedBundle);

    /// <summary>Judges a peer under the bundle in force.</summary>
    public SvidVerification Verify(IReadOnlyList<ReadOnlyMemory<byte>> chain, SpiffeId? expected = null) =>
        Verifier.Verify(chain, Bundles.Bundle, expected);
}
