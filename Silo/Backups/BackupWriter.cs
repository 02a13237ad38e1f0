using System.Buffers;
using System.Data.Common;
using System.IO.Compression;
using System.Text.Json;
using Mesh.Silo.Storage;

namespace Mesh.Silo.Backups;

/// <summary>
/// Writes a backup: gzip over lines of JSON. The first is the <see cref="BackupManifest"/>, then each row is an array that begins with
/// its table's name, and the last is the <see cref="BackupEnd"/>.
/// </summary>
internal sealed class BackupWriter(BackupManifest manifest, BackupSeal seal)
{
    /// <summary>Writes what the store holds at one moment, while silos go on with it.</summary>
    /// <returns>How many rows that were.</returns>
    /// <exception cref="IOException">The destination takes no more.</exception>
    public async Task<long> WriteAsync(StoreSession store, Stream destination, CancellationToken cancellationToken)
    {
        await using var gzip = new GZipStream(destination, CompressionLevel.Fastest, leaveOpen: true);
        using var sealing = seal.Begin();
        var line = new ArrayBufferWriter<byte>();
        await using var json = new Utf8JsonWriter(line);

        line.Write(manifest.ToLine());
        await EndLineAsync();
        var rows = 0L;
        foreach (var table in BackupTable.All)
        {
            var sql = $"SELECT {string.Join(", ", table.Columns.Select(column => column.Name))} FROM {table.Name};";
            await foreach (var _ in store.StreamAsync(sql, row => WriteRow(json, table, row)).WithCancellation(cancellationToken))
            {
                await EndLineAsync();
                rows++;
            }
        }

        line.Write(JsonSerializer.SerializeToUtf8Bytes(new BackupEnd(Convert.ToHexStringLower(sealing.GetHashAndReset())), BackupJson.Default.BackupEnd));
        await EndLineAsync();
        return rows;

        async Task EndLineAsync()
        {
            line.Write("\n"u8);
            sealing.AppendData(line.WrittenSpan);
            await gzip.WriteAsync(line.WrittenMemory, cancellationToken);
            line.ResetWrittenCount();
        }
    }

    private static bool WriteRow(Utf8JsonWriter json, BackupTable table, DbDataReader row)
    {
        json.Reset();
        json.WriteStartArray();
        json.WriteStringValue(table.Name);
        for (var i = 0; i < table.Columns.Length; i++)
        {
            switch (table.Columns[i].Value)
            {
                case BackupValue.Text:
                    json.WriteStringValue(row.GetString(i));
                    break;
                case BackupValue.Number:
                    json.WriteNumberValue(row.GetInt64(i));
                    break;
                case BackupValue.Bytes:
                    json.WriteBase64StringValue(row.GetFieldValue<byte[]>(i));
                    break;
            }
        }

        json.WriteEndArray();
        json.Flush();
        return true;
    }
}
