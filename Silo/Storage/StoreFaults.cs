using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Silo.Storage;

/// <summary>Turns a store that fails into what a caller may hear; the log has the rest.</summary>
/// <param name="explain">
/// The sentence for a caller; null where the store did answer and the fault is the silo's own, which goes on as it is.
/// </param>
/// <param name="logger">Hears what happened.</param>
internal sealed partial class StoreFaults(Func<Exception, string?> explain, ILogger<StoreFaults> logger)
{
    /// <summary>For a store that is gone or too slow.</summary>
    public const string Silent = "The store does not answer. Try again when it does.";

    /// <summary>For a store that can't take any more.</summary>
    public const string Full = "The store does not answer: its disk is full. Nothing new is issued until there is room.";

    /// <summary>Runs one piece of work against the store.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.NotReady"/>: the store does not answer.</exception>
    public async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception fault) when (explain(fault) is not null)
        {
            Log.StoreFailed(logger, fault);
            throw new MeshException(MeshError.NotReady, explain(fault)!);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1351, Level = LogLevel.Error, Message = "The store failed")]
        public static partial void StoreFailed(ILogger logger, Exception fault);
    }
}
