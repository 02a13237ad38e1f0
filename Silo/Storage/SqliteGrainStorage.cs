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
internal sealed class SqliteGrainStorage(SqliteDatabase database, Serializer serializer) : IGrainStorage
{
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var row = await database.ReadAsync(
            connection =>
            {
                using var command = connection.Command(
                    null,
                    "SELECT version, payload FROM grain_state WHERE grain_id = @id AND state_name = @name;",
                    ("id", grainId.ToString()),
                    ("name", stateName));
                using var reader = command.ExecuteReader();
                return reader.Read() ? (Version: reader.GetInt64(0), Payload: reader.GetFieldValue<byte[]>(1)) : default;
            },
            CancellationToken.None);
        grainState.RecordExists = row.Payload is not null;
        grainState.ETag = row.Payload is null ? null : ETag(row.Version);
        grainState.State = row.Payload is null ? Activator.CreateInstance<T>() : serializer.Deserialize<T>(row.Payload);
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var payload = serializer.SerializeToArray(grainState.State);
        var held = Version(grainState.ETag);
        var written = await database.WriteAsync(
            (connection, transaction) =>
            {
                using var command = connection.Command(
                    transaction,
                    held is null
                        ? "INSERT INTO grain_state (grain_id, state_name, version, payload) VALUES (@id, @name, 1, @payload) ON CONFLICT DO NOTHING RETURNING version;"
                        : "UPDATE grain_state SET version = version + 1, payload = @payload WHERE grain_id = @id AND state_name = @name AND version = @held RETURNING version;",
                    ("id", grainId.ToString()),
                    ("name", stateName),
                    ("payload", payload),
                    ("held", held));
                return (long?)command.ExecuteScalar();
            },
            CancellationToken.None);
        grainState.ETag = ETag(written ?? throw Conflict("write", stateName, grainId, grainState.ETag));
        grainState.RecordExists = true;
    }

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var held = Version(grainState.ETag);
        var deleted = await database.WriteAsync(
            (connection, transaction) =>
            {
                using var command = connection.Command(
                    transaction,
                    "DELETE FROM grain_state WHERE grain_id = @id AND state_name = @name AND version IS @held;",
                    ("id", grainId.ToString()),
                    ("name", stateName),
                    ("held", held));
                return command.ExecuteNonQuery();
            },
            CancellationToken.None);
        if (deleted == 0 && held is not null)
        {
            throw Conflict("clear", stateName, grainId, grainState.ETag);
        }

        grainState.ETag = null;
        grainState.RecordExists = false;
        grainState.State = Activator.CreateInstance<T>();
    }

    private static string ETag(long version) => version.ToString(CultureInfo.InvariantCulture);

    private static long? Version(string? etag) => etag is null ? null : long.Parse(etag, CultureInfo.InvariantCulture);

    private static InconsistentStateException Conflict(string what, string stateName, GrainId grainId, string? held) =>
        new($"Conflict on {what} of {stateName} of {grainId}: the store does not hold version {held ?? "none"}.");
}
