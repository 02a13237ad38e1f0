using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Transport;
using Mesh.Spiffe;

namespace Mesh.Grains.Interfaces.TrustDomains;

/// <summary>
/// Takes back bundles of before a restore, at the silo and at the ProxyHost alike. Whoever offers one has shown no certificate: what is
/// noise, or another's, goes no further than this.
/// </summary>
public sealed class BundleOffers(IControlPlaneIdentity identity, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    // Each may be a mebibyte.
    private readonly SemaphoreSlim _turns = new(4, 4);

    /// <summary>Reads a bundle and gives it to the trust domain.</summary>
    /// <param name="pieces">The bundle as it comes, until the token ends the wait; within 10 seconds.</param>
    /// <param name="give">Gives it to the trust domain.</param>
    /// <param name="cancellationToken">The caller has gone.</param>
    /// <returns>The bundle that has learned from it; null where it is none of those that were forgotten.</returns>
    /// <exception cref="MeshException"><see cref="MeshError.Conflict"/>: nothing was forgotten. <see cref="MeshError.LimitReached"/>: four
    /// are being read. <see cref="MeshError.InvalidRequest"/>: it is no bundle, not this trust domain's, or did not come in time.</exception>
    public async Task<string?> TakeAsync(
        Func<CancellationToken, IAsyncEnumerable<string>> pieces, Func<string, Task<TrustSnapshot>> give, CancellationToken cancellationToken)
    {
        if (identity.Bundle.Forgotten is null)
        {
            throw new MeshException(MeshError.Conflict, "Nothing was forgotten here: the bundle in force says so.");
        }

        if (!await _turns.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            throw new MeshException(MeshError.LimitReached, "Several are offering bundles at this moment. Try again.");
        }

        using var tooLong = new CancellationTokenSource(Limit, clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(tooLong.Token, cancellationToken);
        try
        {
            return await OfferedBundle.ReadAsync(pieces(ended.Token), identity.Bundle, clock.GetUtcNow()) is { } offered
                ? (await give(offered.Jws)).SignedBundle
                : null;
        }
        catch (Exception e) when (e is FormatException or BundleRejectedException)
        {
            throw new MeshException(MeshError.InvalidRequest, e.Message);
        }
        catch (OperationCanceledException) when (tooLong.IsCancellationRequested)
        {
            throw new MeshException(MeshError.InvalidRequest, $"The bundle did not come within {Limit.TotalSeconds} s.");
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();
}
