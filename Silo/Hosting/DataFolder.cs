namespace Mesh.Silo.Hosting;

/// <summary>A silo's data folder: mode 0700, held by one silo at a time.</summary>
internal sealed class DataFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly FileStream _lock;

    private DataFolder(string path, FileStream @lock) => (Path, _lock) = (path, @lock);

    public string Path { get; }

    public string Database => File("mesh.db");

    public string KeyEncryptionKey => File("key-encryption.key");

    public string AnchorEncryptionKey => File("anchor-encryption.key");

    public string AdminSocket => File("admin.sock");

    public string AdminToken => File("admin-token");

    public string AuditLog => File("audit.log");

    /// <summary>The new <see cref="KeyEncryptionKey"/> of a rekey that has not ended yet.</summary>
    public string NextKeyEncryptionKey => File("key-encryption.key.next");

    /// <summary>The new <see cref="AnchorEncryptionKey"/>, likewise.</summary>
    public string NextAnchorEncryptionKey => File("anchor-encryption.key.next");

    /// <summary>A backup while it is being taken.</summary>
    public string UnfinishedBackup => File("backup.unfinished");

    /// <summary>Creates the folder where it is missing and takes its lock.</summary>
    /// <exception cref="InvalidDataException">Another silo holds it, or others than its owner may enter it.</exception>
    public static DataFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(path, OwnerOnly);
        if ((System.IO.File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
        {
            throw new InvalidDataException($"The data folder {path} is open to others than its owner. Run: chmod 700 {path}");
        }

        var lockPath = System.IO.Path.Combine(path, "lock");
        try
        {
            return new DataFolder(path, new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            throw new InvalidDataException($"The data folder {path} is in use by another silo. Stop that one, or choose another folder.");
        }
    }

    /// <summary>The folder keeps others out; the socket does so by itself too, once it is there.</summary>
    public void CloseAdminSocketToOthers() => System.IO.File.SetUnixFileMode(AdminSocket, OwnerOnly);

    public void Dispose() => _lock.Dispose();

    private string File(string name) => System.IO.Path.Combine(Path, name);
}
