using System.Collections.Concurrent;
using System.Globalization;
using Orleans.Serialization;
using Orleans.Storage;

namespace Mesh.Grains.Tests.Support;

/// <summary>Grain storage that outlives silos, with compare-and-swap and faults on demand. Stands in for a store's I/O alone.</summary>
internal sealed class SharedGrainStorage(StoreFaults faults) : IGrainStorage
{
    private readonly ConcurrentDictionary<(string, GrainId), (long Version, byte[] Payload)> _rows = new();

    /// <summary>Set by the silo's start, since only a silo has Orleans' serializer.</summary>
    public Serializer? Serializer { get; set; }

    public int Rows => _rows.Count;

    /// <summary>What it holds now, as a backup does.</summary>
    public SharedGrainStorage Copy()
    {
        var copy = new SharedGrainStorage(faults) { Serializer = Serializer };
        foreach (var (key, row) in _rows)
        {
            copy._rows[key] = row;
        }

        return copy;
    }

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
        var payload = Serializer!.SerializeToArray(grainState.State);
        var held = grainState.ETag is null ? (long?)null : long.Parse(grainState.ETag, CultureInfo.InvariantCulture);
        var version = faults.Write(() =>
        {
            var exists = _rows.TryGetValue((stateName, grainId), out var row);
            if (exists ? held != row.Version : held is not null)
            {
                throw new InconsistentStateException($"{grainId} is at {row.Version}, not at {held}.");
            }

            _rows[(stateName, grainId)] = (row.Version + 1, payload);
            return row.Version + 1;
        });
        grainState.ETag = version.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = true;
        return Task.CompletedTask;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        _rows.TryRemove((stateName, grainId), out _);
        return Task.CompletedTask;
    }
}
