using Mesh.Spiffe;

namespace Mesh.Proxy.Identity;

/// <summary>
/// How long this proxy may trust the bundle that it holds without the control plane's word that it is still in force. Without a length it
/// may for good, and goes on trusting a revoked issuer while it is cut off.
/// </summary>
/// <remarks>The word is signed with the bundle key and says when: whoever stands in between can keep it back, but not make or mend it.</remarks>
internal sealed class TrustLease(TimeSpan? length, BundleKeeper bundles, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private DateTimeOffset? _confirmedAt;
    private TaskCompletionSource _extended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null: there is no lease.</summary>
    public TimeSpan? Length => length;

    /// <summary>When the bundle was last known to be in force, by the silo's clock; null: not since the start.</summary>
    public DateTimeOffset? ConfirmedAt
    {
        get
        {
            lock (_gate)
            {
                return _confirmedAt;
            }
        }
    }

    /// <summary>What is left of the lease, zero where it has ended; null where there is none.</summary>
    public TimeSpan? Left => length is not { } whole ? null
        : ConfirmedAt is { } at && at + whole - clock.GetUtcNow() is var left && left > TimeSpan.Zero ? left
        : TimeSpan.Zero;

    /// <summary>Whether the bundle that is held may be trusted now.</summary>
    public bool Holds => Left is not { } left || left > TimeSpan.Zero;

    /// <summary>Ends when the lease is extended next.</summary>
    public Task NextExtension
    {
        get
        {
            lock (_gate)
            {
                return _extended.Task;
            }
        }
    }

    /// <summary>Counts from the time that the confirmation names; one that is older than the last changes nothing.</summary>
    /// <exception cref="FormatException">It is no confirmation of the bundle that is held.</exception>
    public void Extend(string confirmation)
    {
        var held = bundles.Held ?? throw new FormatException("There is no bundle yet that could be confirmed.");
        var confirmed = BundleConfirmation.Verify(confirmation, held, clock.GetUtcNow()).ConfirmedAt;
        lock (_gate)
        {
            if (_confirmedAt is { } last && confirmed <= last)
            {
                return;
            }

            _confirmedAt = confirmed;
            var extended = _extended;
            _extended = new(TaskCreationOptions.RunContinuationsAsynchronously);
            extended.SetResult();
        }
    }
}
