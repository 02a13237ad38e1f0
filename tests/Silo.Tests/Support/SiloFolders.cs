using Mesh.Silo.Hosting;
using Mesh.Silo.Keys;

namespace Mesh.Silo.Tests.Support;

/// <summary>The folders of a cluster's silos, and the file that names their database.</summary>
internal sealed class SiloFolders : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("mesh-silos-").FullName;

    public SiloFolders(string connectionString)
    {
        ConnectionFile = Path.Combine(_root, "connection");
        File.WriteAllText(ConnectionFile, connectionString);
        File.SetUnixFileMode(ConnectionFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public string ConnectionFile { get; }

    public static async Task<SiloFolders> CreateAsync(PostgreSqlFixture postgreSql) => new(await postgreSql.CreateDatabaseAsync());

    /// <summary>A data folder with key-encryption keys of its own.</summary>
    public string Create(string name)
    {
        using var folder = DataFolder.Open(Path.Combine(_root, name));
        KeyEncryptionKey.LoadOrCreate(folder.KeyEncryptionKey, create: true).Dispose();
        KeyEncryptionKey.LoadOrCreate(folder.AnchorEncryptionKey, create: true).Dispose();
        return folder.Path;
    }

    /// <summary>A data folder with the key-encryption keys of another, as an operator copies them.</summary>
    public string CreateWithKeysOf(string name, string other)
    {
        using var folder = DataFolder.Open(Path.Combine(_root, name));
        foreach (var file in Directory.GetFiles(other, "*.key"))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }

        return folder.Path;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
