using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Mesh.Silo.Audit;

/// <summary>
/// The file that says who changed what: lines of JSON that are only ever appended, each on disk before the call goes on. When the
/// file is full it is renamed, and of the older ones a bounded number is kept.
/// </summary>
internal sealed class AuditLog : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly long _maxBytes;
    private readonly int _maxFiles;
    private FileStream _file;

    private AuditLog(string path, long maxBytes, int maxFiles) =>
        (_path, _maxBytes, _maxFiles, _file) = (path, maxBytes, maxFiles, Append(path));

    /// <summary>Opens the file, or makes it.</summary>
    /// <param name="path">The file; those before it are called PATH.1, PATH.2 and so on, the oldest last.</param>
    /// <param name="maxBytes">How large it may get before the next one is begun.</param>
    /// <param name="maxFiles">How many there are at the most, the one in use among them.</param>
    /// <exception cref="InvalidDataException">Others than its owner may read or write it.</exception>
    public static AuditLog Open(string path, long maxBytes, int maxFiles)
    {
        if (File.Exists(path) && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
        {
            throw new InvalidDataException($"The audit log {path} is open to others than its owner. Run: chmod 600 {path}");
        }

        return new AuditLog(path, maxBytes, maxFiles);
    }

    /// <summary>Appends one JSON object; it is on disk when this returns.</summary>
    /// <exception cref="IOException">It is not, and the file is as it was.</exception>
    public void Append(Action<Utf8JsonWriter> write)
    {
        var line = Serialize(write);
        lock (_gate)
        {
            if (_file.Length > 0 && _file.Length + line.Length > _maxBytes)
            {
                Rotate();
            }

            var length = _file.Length;
            try
            {
                RandomAccess.Write(_file.SafeFileHandle, line, length);
                RandomAccess.FlushToDisk(_file.SafeFileHandle);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Half a line would spoil the next one.
                RandomAccess.SetLength(_file.SafeFileHandle, length);
                throw new IOException($"The audit log {_path} cannot be written: {e.Message}", e);
            }
        }
    }

    public void Dispose() => _file.Dispose();

    private static byte[] Serialize(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            write(json);
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    // A line that a dying process left unfinished stays as it is; the next one begins on a line of its own.
    private static FileStream Append(string path)
    {
        var file = new FileStream(
            path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read | FileShare.Delete, BufferSize = 0, UnixCreateMode = OwnerOnly });
        try
        {
            var last = new byte[1];
            if (file.Length > 0 && RandomAccess.Read(file.SafeFileHandle, last, file.Length - 1) == 1 && last[0] != (byte)'\n')
            {
                RandomAccess.Write(file.SafeFileHandle, "\n"u8, file.Length);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void Rotate()
    {
        try
        {
            for (var number = _maxFiles - 1; number > 0; number--)
            {
                var older = Numbered(number - 1);
                if (File.Exists(older))
                {
                    File.Move(older, Numbered(number), overwrite: true);
                }
            }

            if (_maxFiles == 1)
            {
                File.Delete(_path);
            }

            var next = Append(_path);
            _file.Dispose();
            _file = next;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The audit log {_path} cannot be rotated: {e.Message}", e);
        }
    }

    private string Numbered(int number) => number == 0 ? _path : string.Create(CultureInfo.InvariantCulture, $"{_path}.{number}");
}
