using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Grains.Commits;

/// <summary>
/// The last value that a store has confirmed, and those who wait for the next one. Interleaving readers see nothing else, so no
/// version ever has two contents.
/// </summary>
/// <remarks>Used from one grain's scheduler; the wait itself runs on real time, also where the grain's clock is virtual.</remarks>
internal sealed class CommittedValue<T>(Func<T, long> version, CancellationToken stopping)
    where T : class
{
    /// <summary>How long a poll is held open.</summary>
    public static readonly TimeSpan Hold = TimeSpan.FromSeconds(10);

    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null until the grain has read its state.</summary>
    public T? Current { get; private set; }

    /// <summary>Called after the write succeeded, never before.</summary>
    public void Publish(T value)
    {
        Current = value;
        var changed = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.TrySetResult();
    }

    /// <summary>The value as soon as its version differs from the known one; null after <see cref="Hold"/>.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.NotReady"/>: the silo stops.</exception>
    public async Task<T?> PollAsync(long knownVersion, CancellationToken cancellationToken)
    {
        if (Current is { } current && version(current) != knownVersion)
        {
            return current;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        try
        {
            await _changed.Task.WaitAsync(Hold, TimeProvider.System, ended.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Not "nothing new", which would be asked again at once.
            throw new MeshException(MeshError.NotReady, "This silo is stopping. Ask another.");
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return null;
        }

        return Current;
    }
}
