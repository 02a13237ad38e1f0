using Mesh.Proxy.Policy;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Identity;

/// <summary>
/// One workload's identity: its certificate, the bundle and the policy in force. An object, not process-wide state, so that one
/// process can hold several.
/// </summary>
internal sealed class WorkloadIdentity
{
    private volatile SvidCredential? _credential;
    private volatile PolicyInForce? _policy;
    private TaskCompletionSource<SvidCredential> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _refreshes;

    /// <param name="folder">Where the bundle is kept.</param>
    /// <param name="clock">The time that certificates, bundle and lease are judged by.</param>
    /// <param name="trustLease">How long a bundle is trusted without being confirmed; null: for good.</param>
    public WorkloadIdentity(EnrollmentFolder folder, TimeProvider clock, TimeSpan? trustLease = null)
    {
        (Verifier, Bundles) = (new SvidVerifier(clock), new BundleKeeper(folder, clock));
        Lease = new TrustLease(trustLease, Bundles, clock);
    }

    public SvidVerifier Verifier { get; }

    public BundleKeeper Bundles { get; }

    /// <summary>How long the bundle that is held may be trusted unconfirmed.</summary>
    public TrustLease Lease { get; }

    /// <summary>The certificate in use; null before enrollment.</summary>
    public SvidCredential? Credential => _credential;

    /// <summary>The policy in force; null before the first.</summary>
    public WorkloadPolicy? Policy => _policy?.Policy;

    /// <summary>The opaque ports that the policy in force names, else the default ones.</summary>
    public OpaquePorts OpaquePorts => _policy?.OpaquePorts ?? OpaquePorts.Default;

    /// <summary>Certificates taken into use so far.</summary>
    public long Refreshes => Interlocked.Read(ref _refreshes);

    /// <summary>Raised after a bundle was accepted, so that open connections are judged again.</summary>
    public event Action? BundleChanged
    {
        add => Bundles.Changed += value;
        remove => Bundles.Changed -= value;
    }

    /// <summary>Whether connections may be served: certificate, bundle and policy are there, and the trust lease holds. Nothing passes otherwise.</summary>
    public bool IsReady => IsEquipped && Lease.Holds;

    /// <summary>Whether certificate, bundle and policy are there.</summary>
    public bool IsEquipped => _credential is not null && Bundles.Held is not null && _policy is not null;

    /// <summary>What a connection is refused with while this is not ready.</summary>
    public string NotReadyReason => IsEquipped ? "lease" : "not_ready";

    /// <summary>Ends when the next certificate is in use.</summary>
    public Task NextCredential => Volatile.Read(ref _next).Task;

    /// <summary>Waits for the first certificate. False: the proxy stops, and there is none.</summary>
    public async Task<bool> EnrolledAsync(CancellationToken stopping)
    {
        // Before the look at what is held, or a certificate that comes in between would go unnoticed.
        var next = NextCredential;
        if (Credential is null)
        {
            await next.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return Credential is not null;
    }

    public void Use(SvidCredential credential)
    {
        _credential = credential;
        Interlocked.Increment(ref _refreshes);
        Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult(credential);
    }

    public void Use(WorkloadPolicy policy) => _policy = new PolicyInForce(policy, OpaquePorts.Of(policy));

    /// <summary>Takes a bundle from a ProxyHost.</summary>
    /// <exception cref="FormatException">It is not a bundle.</exception>
    /// <exception cref="BundleRejectedException">It may not follow the one that is held.</exception>
    public void Accept(string signedBundle) => Bundles.Accept(signedBundle);

    /// <summary>Judges a peer under the bundle in force.</summary>
    public SvidVerification Verify(IReadOnlyList<ReadOnlyMemory<byte>> chain, SpiffeId? expected = null) =>
        Verifier.Verify(chain, Bundles.Bundle, expected);

    private sealed record PolicyInForce(WorkloadPolicy Policy, OpaquePorts OpaquePorts);
}
