namespace Mesh.Grains.Commits;

/// <summary>The one way in which a grain writes its state.</summary>
internal static class CommitExtensions
{
    /// <summary>Writes the next state; the caller publishes it after this has returned, never before.</summary>
    /// <remarks>
    /// A failed write is ambiguous: the store may hold either state. The activation ends, and the next one reads which. That goes
    /// for <see cref="Orleans.Storage.InconsistentStateException"/> too: another activation has written.
    /// </remarks>
    public static async Task CommitAsync<TState>(this IGrainBase grain, IPersistentState<TState> stored, TState next)
    {
        stored.State = next;
        try
        {
            await stored.WriteStateAsync();
        }
        catch
        {
            grain.DeactivateOnIdle();
            throw;
        }
    }
}
