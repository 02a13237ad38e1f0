using System.Collections.Concurrent;
using System.Globalization;
using Orleans.Serialization;
using Orleans.Storage;

namespace Mesh.Grains.Tests.Support;

/// <summary>Grain storage that outlives silos, with compare-and-swap and faults on demand. Stands in for a store's I/O alone.</summary>
internal sealed class SharedGrainStorage : IGrainStorage
{
    private readonly ConcurrentDictionary<(string, GrainId), (long Version, byte[] Payload)> _rows = new();
    private readonly Lock _gate = new();

    /// <summary>Set by the silo's start, since only a silo has Orleans' serializer.</summary>
    public Serializer? Serializer { get; set; }

    /// <summary>How many writes fail from now on before anything is stored.</summary>
    public int FailuresBeforeCommit { get; set; }

    /// <summary>How many writes fail from now on after they were stored.</summary>
    public int FailuresAfterCommit { get; set; }

    public int Rows => _rows.Count;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var exists = _rows.TryGetValue((stateName, grainId), out var row);
        grainState.RecordExists = exists;
        grainState.ETag = exists ? row.Version.ToString(CultureInfo.InvariantCulture) : null;
        grainState.State = exists ? Serializer!.Deserialize<T>(row.Payload) : Activator.CreateInstance<T>();
        return Task.CompletedTask;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        lock (_gate)
        {
            if (FailuresBeforeCommit > 0)
            {
                FailuresBeforeCommit--;
                throw new IOException("The store failed before the commit.");
            }

            var exists = _rows.TryGetValue((stateName, grainId), out var row);
            var held = grainState.ETag is null ? (long?)null : long.Parse(grainState.ETag, CultureInfo.InvariantCulture);
            if (exists ? held != row.Version : held is not null)
            {
                throw new InconsistentStateException($"{grainId} is at {row.Version}, not at {held}.");
            }

            var version = row.Version + 1;
            _rows[(stateName, grainId)] = (version, Serializer!.SerializeToArray(grainState.State));
            if (FailuresAfterCommit > 0)
            {
                FailuresAfterCommit--;
                throw new IOException("The store failed after the commit.");
            }

            grainState.ETag = version.ToString(CultureInfo.InvariantCulture);
            grainState.RecordExists = true;
        }

        return Task.CompletedTask;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        _rows.TryRemove((stateName, grainId), out _);
        return Task.CompletedTask;
    }
}
