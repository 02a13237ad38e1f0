using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Mesh.Silo.Backups;

/// <summary>Reads a backup, a line at a time. What it says is good only when the last line has been read and its seal has held.</summary>
internal sealed class BackupReader
{
    /// <summary>The longest line that is read: 32 MiB. The largest row is the trust domain's, with a signed bundle of up to 1 MiB.</summary>
    public const int MaxLineBytes = 32 * 1024 * 1024;

    private readonly string _path;
    private readonly PipeReader _lines;

    private BackupReader(string path, PipeReader lines, byte[] first) => (_path, _lines, FirstLine, Manifest) = (path, lines, first, BackupManifest.Parse(first));

    /// <summary>What it says of itself; nobody has verified it yet.</summary>
    public BackupManifest Manifest { get; }

    private byte[] FirstLine { get; }

    /// <summary>Begins at the start of a file.</summary>
    /// <exception cref="InvalidDataException">It is not a backup.</exception>
    public static async Task<BackupReader> OpenAsync(FileStream file, CancellationToken cancellationToken)
    {
        file.Position = 0;
        var pipe = PipeReader.Create(
            new GZipStream(file, CompressionMode.Decompress, leaveOpen: true), new StreamPipeReaderOptions(bufferSize: 64 * 1024, minimumReadSize: 16 * 1024));
        var first = await NextLineAsync(pipe, file.Name, cancellationToken) ?? throw new InvalidDataException($"{file.Name} is empty.");
        return new BackupReader(file.Name, pipe, first);
    }

    /// <summary>Every row, and in the end the seal.</summary>
    /// <exception cref="InvalidDataException">It was altered, cut off, or belongs to another cluster; or a row is not one.</exception>
    public async IAsyncEnumerable<BackupRow> ReadAsync(BackupSeal seal, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var sealing = seal.Begin();
        for (var (line, number) = (FirstLine, 1L); ; number++)
        {
            sealing.AppendData(line);
            sealing.AppendData("\n"u8);
            line = await NextLineAsync(_lines, _path, cancellationToken)
                ?? throw new InvalidDataException($"The backup {_path} is cut off after {number} lines.");
            if (line.AsSpan().StartsWith("{"u8))
            {
                await CheckEndAsync(line, sealing, cancellationToken);
                yield break;
            }

            yield return Parse(line, number + 1);
        }
    }

    private async Task CheckEndAsync(byte[] line, IncrementalHash sealing, CancellationToken cancellationToken)
    {
        BackupEnd? end = null;
        try
        {
            end = JsonSerializer.Deserialize(line, BackupJson.Default.BackupEnd);
        }
        catch (JsonException)
        {
            // Said below.
        }

        var expected = Convert.ToHexStringLower(sealing.GetHashAndReset());
        var holds = end?.Seal is { } seal
            && CryptographicOperations.FixedTimeEquals(System.Text.Encoding.UTF8.GetBytes(seal), System.Text.Encoding.UTF8.GetBytes(expected));
        if (!holds || await NextLineAsync(_lines, _path, cancellationToken) is not null)
        {
            throw new InvalidDataException(
                $"The backup {_path} was altered, or was taken under another key-encryption key than the one here. Nothing of it is used.");
        }
    }

    private BackupRow Parse(byte[] line, long number)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            json.Read();
            json.Read();
            var name = json.GetString();
            var table = BackupTable.All.FirstOrDefault(table => table.Name == name) ?? throw new FormatException($"there is no table '{name}'");
            var values = new object[table.Columns.Length];
            for (var i = 0; i < values.Length; i++)
            {
                json.Read();
                values[i] = table.Columns[i].Value switch
                {
                    BackupValue.Text => json.GetString() ?? throw new FormatException("a value is missing"),
                    BackupValue.Number => json.GetInt64(),
                    _ => json.GetBytesFromBase64(),
                };
            }

            return json.Read() && json.TokenType == JsonTokenType.EndArray
                ? new BackupRow(table, values)
                : throw new FormatException($"'{name}' has {values.Length} columns");
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw new InvalidDataException($"Line {number} of the backup {_path} is no row of a store: {e.Message}");
        }
    }

    // Without its line feed; null at the end.
    private static async Task<byte[]?> NextLineAsync(PipeReader pipe, string path, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var read = await pipe.ReadAsync(cancellationToken);
                if (read.Buffer.PositionOf((byte)'\n') is { } end)
                {
                    var line = read.Buffer.Slice(0, end).ToArray();
                    pipe.AdvanceTo(read.Buffer.GetPosition(1, end));
                    return line;
                }

                if (read.Buffer.Length > MaxLineBytes)
                {
                    throw new InvalidDataException($"The backup {path} has a line of over {MaxLineBytes / 1024 / 1024} MiB, which no silo writes.");
                }

                if (read.IsCompleted)
                {
                    return read.Buffer.IsEmpty ? null : throw new InvalidDataException($"The backup {path} is cut off in the midst of a line.");
                }

                pipe.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (InvalidDataException e) when (e.Source == "System.IO.Compression")
        {
            throw new InvalidDataException($"{path} is not a backup, or was damaged: {e.Message}");
        }
    }
}

/// <summary>A row of a backup.</summary>
/// <param name="Table">Where it belongs.</param>
/// <param name="Values">In the order of the table's columns: string, long or byte[].</param>
internal readonly record struct BackupRow(BackupTable Table, IReadOnlyList<object> Values);
