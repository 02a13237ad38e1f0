using System.Globalization;
using Orleans.Serialization;
using Orleans.Storage;

namespace Mesh.Silo.Storage;

/// <summary>
/// Grain state by compare-and-swap, on the first write too: of any number of first writers one wins, and the others are told
/// with <see cref="InconsistentStateException"/>.
/// </summary>
/// <remarks>
/// Not Orleans' ADO.NET provider: that reads keys that look like numbers as numbers (namespaces <c>cafe</c> and <c>0cafe</c>
/// share a row), and it can't be used before the silo starts. See docs/decisions/0004-grain-storage.md.
/// </remarks>
internal sealed class GrainStateStorage(IStoreDatabase database, Serializer serializer) : IGrainStorage
{
    private const string Insert =
        "INSERT INTO grain_state (grain_id, state_name, version, payload) VALUES (@id, @name, 1, @payload) ON CONFLICT DO NOTHING RETURNING version;";

    private const string Update =
        "UPDATE grain_state SET version = version + 1, payload = @payload WHERE grain_id = @id AND state_name = @name AND version = @held RETURNING version;";

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var rows = await database.ReadAsync(
            store => store.QueryAsync(
                "SELECT version, payload FROM grain_state WHERE grain_id = @id AND state_name = @name;",
                row => (Version: row.GetInt64(0), Payload: row.GetFieldValue<byte[]>(1)),
                ("id", grainId.ToString()),
                ("name", stateName)),
            CancellationToken.None);
        grainState.RecordExists = rows.Count > 0;
        grainState.ETag = rows.Count > 0 ? ETag(rows[0].Version) : null;
        grainState.State = rows.Count > 0 ? serializer.Deserialize<T>(rows[0].Payload) : Activator.CreateInstance<T>();
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        List<(string, object?)> parameters =
            [("id", grainId.ToString()), ("name", stateName), ("payload", serializer.SerializeToArray(grainState.State))];
        if (grainState.ETag is { } etag)
        {
            parameters.Add(("held", Version(etag)));
        }

        var written = await database.WriteAsync(
            store => store.ScalarAsync(grainState.ETag is null ? Insert : Update, parameters), CancellationToken.None);
        grainState.ETag = ETag(Convert.ToInt64(
            written ?? throw Conflict("write", stateName, grainId, grainState.ETag), CultureInfo.InvariantCulture));
        grainState.RecordExists = true;
    }

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        if (grainState.ETag is { } etag)
        {
            var deleted = await database.WriteAsync(
                store => store.ExecuteAsync(
                    "DELETE FROM grain_state WHERE grain_id = @id AND state_name = @name AND version = @held;",
                    ("id", grainId.ToString()),
                    ("name", stateName),
                    ("held", Version(etag))),
                CancellationToken.None);
            if (deleted == 0)
            {
                throw Conflict("clear", stateName, grainId, etag);
            }
        }

        grainState.ETag = null;
        grainState.RecordExists = false;
        grainState.State = Activator.CreateInstance<T>();
    }

    private static string ETag(long version) => version.ToString(CultureInfo.InvariantCulture);

    private static long Version(string etag) => long.Parse(etag, CultureInfo.InvariantCulture);

    private static InconsistentStateException Conflict(string what, string stateName, GrainId grainId, string? held) =>
        new($"Conflict on {what} of {stateName} of {grainId}: the store does not hold version {held ?? "none"}.");
}
