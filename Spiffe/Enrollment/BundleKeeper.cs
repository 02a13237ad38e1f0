namespace Mesh.Spiffe;

/// <summary>The last accepted bundle of a proxy or ProxyHost: each that follows is verified against it, and it survives a restart.</summary>
public sealed class BundleKeeper
{
    private readonly EnrollmentFolder _folder;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private volatile SignedBundle? _held;

    /// <summary>Starts from what the folder holds.</summary>
    public BundleKeeper(EnrollmentFolder folder, TimeProvider clock)
    {
        (_folder, _clock) = (folder, clock);
        _held = folder.ReadBundle();
    }

    /// <summary>The bundle in force; null before first contact.</summary>
    public SignedBundle? Held => _held;

    /// <summary>The bundle in force.</summary>
    /// <exception cref="InvalidOperationException">There is none yet.</exception>
    public TrustBundle Bundle => _held?.Bundle ?? throw new InvalidOperationException("There is no trust bundle before first contact.");

    /// <summary>Raised after a newer bundle was taken, so that what it voids is dealt with at once.</summary>
    public event Action? Changed;

    /// <summary>Whether a bundle says that its trust domain has forgotten the one that is held here.</summary>
    public bool IsForgottenBy(TrustBundle next) => _held is { } held && next.Forgotten?.Holds(held.Bundle.Sequence) == true;

    /// <summary>Takes the bundle that <see cref="FirstContact"/> accepted.</summary>
    public void AcceptFirst(SignedBundle bundle)
    {
        lock (_gate)
        {
            _folder.WriteBundle(bundle);
            _held = bundle;
        }
    }

    /// <summary>Takes a newer bundle; false where it is the one that is held.</summary>
    /// <exception cref="FormatException">It is not a bundle.</exception>
    /// <exception cref="BundleRejectedException">It may not follow the one that is held.</exception>
    /// <exception cref="IOException">It is in force, and could not be kept for the next start.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public bool Accept(string signedBundle)
    {
        var bundle = SignedBundle.Parse(signedBundle);
        lock (_gate)
        {
            bundle.VerifySuccessor(Bundle, _clock.GetUtcNow());
            if (bundle.Bundle.Sequence == Bundle.Sequence)
            {
                return false;
            }

            _held = bundle;
        }

        // In force before it is on disk: a full disk must not keep a revocation from being enforced. The caller hears of the disk.
        Changed?.Invoke();
        lock (_gate)
        {
            if (_held == bundle)
            {
                _folder.WriteBundle(bundle);
            }
        }

        return true;
    }

    /// <summary>Takes a bundle that came along with something else; false where it is no newer than the one that is held.</summary>
    /// <remarks>Another way may have brought a newer one while this was under way; what it came along with counts none the less.</remarks>
    /// <exception cref="FormatException">It is not a bundle.</exception>
    /// <exception cref="BundleRejectedException">It may not follow the one that is held, and is not just older.</exception>
    public bool AcceptUnlessOlder(string signedBundle)
    {
        try
        {
            return Accept(signedBundle);
        }
        catch (BundleRejectedException e) when (e.Reason == BundleRejection.OlderSequence)
        {
            return false;
        }
    }
}
