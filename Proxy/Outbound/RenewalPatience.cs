using Mesh.Proxy.Identity;
using Mesh.Proxy.Transport;
using Mesh.Spiffe;

namespace Mesh.Proxy.Outbound;

/// <summary>
/// Lets a new connection wait for the certificate that is on its way, this workload's or the peer's, after an issuer was revoked:
/// for a second in all. Nothing of the application has been read until a handshake has succeeded, so nothing can be lost or said twice.
/// </summary>
internal sealed class RenewalPatience(WorkloadIdentity identity)
{
    /// <summary>The longest that one connection waits.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    private readonly long _began = TimeProvider.System.GetTimestamp();
    private TimeSpan _pause = FirstPause;

    private TimeSpan Left => Most - TimeProvider.System.GetElapsedTime(_began);

    /// <summary>Whether an endpoint is refused for a certificate that is being replaced.</summary>
    public static bool IsBeingReplaced(OpenFailure failure) => failure.Reason == nameof(SvidRejection.Revoked);

    /// <summary>The certificate to show. Where the bundle in force voids the one in use: its successor, if that comes in time.</summary>
    public async Task<SvidCredential> OwnAsync(SvidCredential held)
    {
        // Asked for before the certificate is looked at, so that no successor comes unseen between the two.
        var next = identity.NextCredential;
        var current = identity.Credential ?? held;
        var left = Left;
        if (left > TimeSpan.Zero && identity.Verify(current.Svid.Chain).Rejection == SvidRejection.Revoked)
        {
            await next.WaitAsync(left, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            current = identity.Credential ?? held;
        }

        return current;
    }

    /// <summary>Waits a little before an endpoint is tried again; false: the time is up.</summary>
    public async Task<bool> WaitAsync()
    {
        if (Left <= _pause)
        {
            return false;
        }

        await Task.Delay(_pause, TimeProvider.System);
        _pause *= 2;
        return true;
    }
}
