namespace Mesh.Spiffe;

/// <summary>Waits until a certificate is to be replaced. Each bundle that comes may bring that time forward, and none puts it off.</summary>
public static class RenewalWait
{
    /// <summary>Ends when the time has come: see <see cref="RenewalSchedule.UrgencyOf"/>.</summary>
    /// <param name="held">The certificate in use.</param>
    /// <param name="bundles">What judges it.</param>
    /// <param name="verifier">Judges it.</param>
    /// <param name="clock">The time.</param>
    /// <param name="stopping">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    public static async Task UntilDueAsync(
        X509Svid held, BundleKeeper bundles, SvidVerifier verifier, TimeProvider clock, CancellationToken stopping)
    {
        for (var isDue = false; !isDue;)
        {
            isDue = await WaitAsync(held, bundles, verifier, clock, stopping);
        }
    }

    // True when the time has come; false when it has to be worked out anew.
    private static async Task<bool> WaitAsync(
        X509Svid held, BundleKeeper bundles, SvidVerifier verifier, TimeProvider clock, CancellationToken stopping)
    {
        var urgency = RenewalUrgency.InTime;
        var hurry = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look()
        {
            if (Judge() > urgency)
            {
                hurry.TrySetResult();
            }
        }

        RenewalUrgency Judge()
        {
            var bundle = bundles.Bundle;
            return RenewalSchedule.UrgencyOf(verifier.Verify(held.Chain, bundle), bundle);
        }

        // Before the first look, so that no bundle comes unseen between the two.
        bundles.Changed += Look;
        using var due = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            urgency = Judge();
            var timer = Task.Delay(RenewalSchedule.RenewIn(held, urgency, clock.GetUtcNow(), Random.Shared.NextDouble()), clock, due.Token);
            if (await Task.WhenAny(timer, hurry.Task) != timer)
            {
                return false;
            }

            await timer;
            return true;
        }
        finally
        {
            bundles.Changed -= Look;
            await due.CancelAsync();
        }
    }
}
