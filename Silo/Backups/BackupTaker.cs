using Mesh.Grains.Interfaces.Errors;
using Mesh.Silo.Admin;
using Mesh.Silo.Hosting;
using Mesh.Silo.Storage;

namespace Mesh.Silo.Backups;

/// <summary>Takes backups of the store that this silo works on, one at a time.</summary>
/// <remarks>Written to the data folder first: whoever fetches it slowly does not hold up the store meanwhile.</remarks>
internal sealed class BackupTaker(SiloStore silo, TimeProvider clock) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Takes one. The caller disposes it, and it is gone.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.LimitReached"/>: another one is being taken. <see cref="MeshError.NotReady"/>:
    /// store or disk do not let it.</exception>
    public async Task<TakenBackup> TakeAsync(CancellationToken cancellationToken)
    {
        if (!await _turn.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            throw new MeshException(MeshError.LimitReached, "This silo is taking a backup already. Try again when that one is done.");
        }

        FileStream? file = null;
        try
        {
            file = Create(silo.Folder.UnfinishedBackup);
            var manifest = new BackupManifest(
                BackupManifest.CurrentFormat, silo.TrustDomain.Name, clock.GetUtcNow(), ProductVersion.Text, silo.KeyEncryption.Id, silo.AnchorEncryption.Id);
            var rows = await silo.Database.ReadSnapshotAsync(
                store => WriteAsync(new BackupWriter(manifest, silo.KeyEncryption.BackupSeal), store, file, cancellationToken), cancellationToken);
            file.Position = 0;
            return new TakenBackup(file, manifest, rows);
        }
        catch (Exception e)
        {
            await (file?.DisposeAsync() ?? ValueTask.CompletedTask);
            if (e is UnauthorizedAccessException or IOException)
            {
                throw DiskFails(e);
            }

            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    // Within the store's guard the disk's faults would pass for the store's.
    private static async Task<long> WriteAsync(BackupWriter writer, StoreSession store, FileStream file, CancellationToken cancellationToken)
    {
        try
        {
            return await writer.WriteAsync(store, file, cancellationToken);
        }
        catch (IOException e)
        {
            throw DiskFails(e);
        }
    }

    private static MeshException DiskFails(Exception fault) =>
        new(MeshError.NotReady, $"The backup could not be written to the silo's disk: {fault.Message} Make room for it and try again.");

    // Without a name from the start: it goes with its handle, however this process ends.
    private static FileStream Create(string path)
    {
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            Options = FileOptions.Asynchronous,
        });
        File.Delete(path);
        return file;
    }
}

/// <summary>A backup in a file that goes with this object.</summary>
internal sealed record TakenBackup(FileStream File, BackupManifest Manifest, long Rows) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => File.DisposeAsync();
}
