using Mesh.Grains.TrustDomains;
using Mesh.Silo.Hosting;
using Mesh.Silo.Keys;
using Mesh.Silo.Storage;
using Orleans.Storage;

namespace Mesh.Silo.Backups;

/// <summary>Puts a backup into an empty store, while no silo works on it.</summary>
/// <remarks>
/// A mark stands in the store until all is done, so that no silo starts on half of it; a restore that finds the mark begins anew. The file
/// is read to its end, and its seal compared, before a row of it goes anywhere.
/// </remarks>
internal sealed class StoreRestore(SiloStore silo, IGrainStorage storage, TrustRestoration restoration)
{
    // As grain_state has it. No grain is of this type.
    private const string MarkId = "store/restore";

    /// <returns>What was restored.</returns>
    /// <exception cref="InvalidDataException">File, keys or store do not let it; nothing was changed. After any other, run it again.</exception>
    public async Task<RestoreReport> RunAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, new FileStreamOptions { Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
        var backup = await BackupReader.OpenAsync(file, cancellationToken);
        CheckKeys(backup.Manifest);
        var holdsTrust = false;
        // To the end, where the seal is.
        await foreach (var row in backup.ReadAsync(silo.KeyEncryption.BackupSeal, cancellationToken))
        {
            holdsTrust |= row.Table.Name == "grain_state" && (string)row.Values[0] == TrustDomainGrain.IdOf(silo.TrustDomain).ToString();
        }

        if (!holdsTrust)
        {
            throw new InvalidDataException($"The backup {path} holds no trust domain {silo.TrustDomain}.");
        }

        var rows = await silo.Database.WriteAsync(store => FillAsync(store, file, cancellationToken), cancellationToken);
        var trust = await BeginAsync(cancellationToken);
        await silo.Database.WriteAsync(store => store.ExecuteAsync("DELETE FROM grain_state WHERE grain_id = @id;", ("id", MarkId)), cancellationToken);
        return new RestoreReport(backup.Manifest.TrustDomain, backup.Manifest.TakenAt, rows, trust.Sequence);
    }

    /// <summary>Whether a silo may start on a store.</summary>
    /// <exception cref="InvalidDataException">A restore into it has not ended.</exception>
    public static async Task EnsureFinishedAsync(IStoreDatabase database, CancellationToken cancellationToken)
    {
        if (await database.ReadAsync(IsMarkedAsync, cancellationToken))
        {
            throw new InvalidDataException("A restore into this store was begun and has not ended. Run it again: mesh restore FILE.");
        }
    }

    private void CheckKeys(BackupManifest manifest)
    {
        if (manifest.TrustDomain != silo.TrustDomain.Name)
        {
            throw new InvalidDataException($"The backup is of trust domain {manifest.TrustDomain}, and this silo is set to {silo.TrustDomain}. Set Silo:TrustDomain.");
        }

        CheckKey(silo.Folder.KeyEncryptionKey, manifest.KeyEncryptionKey, silo.KeyEncryption, manifest);
        CheckKey(silo.Folder.AnchorEncryptionKey, manifest.AnchorEncryptionKey, silo.AnchorEncryption, manifest);
    }

    private static void CheckKey(string path, string needed, KeyEncryptionKey here, BackupManifest manifest)
    {
        if (needed != here.Id)
        {
            throw new InvalidDataException(
                $"The backup of {manifest.TakenAt:u} needs the {Path.GetFileName(path)} that is named {needed}, and {path} is named {here.Id}. Put the right one there.");
        }
    }

    // One transaction: the mark comes with the rows.
    private async Task<long> FillAsync(StoreSession store, FileStream file, CancellationToken cancellationToken)
    {
        await ClearAsync(store);
        var rows = 0L;
        var backup = await BackupReader.OpenAsync(file, cancellationToken);
        await foreach (var row in backup.ReadAsync(silo.KeyEncryption.BackupSeal, cancellationToken))
        {
            var names = row.Table.Columns.Select(column => column.Name).ToList();
            await store.ExecuteAsync(
                $"INSERT INTO {row.Table.Name} ({string.Join(", ", names)}) VALUES ({string.Join(", ", names.Select(name => "@" + name))});",
                names.Zip(row.Values, (name, value) => (name, (object?)value)));
            rows++;
        }

        await store.ExecuteAsync(
            "INSERT INTO grain_state (grain_id, state_name, version, payload) VALUES (@id, 'restore', 1, @payload);", ("id", MarkId), ("payload", Array.Empty<byte>()));
        return rows;
    }

    private static async Task ClearAsync(StoreSession store)
    {
        if (!await IsMarkedAsync(store) && await IsFilledAsync(store))
        {
            throw new InvalidDataException(
                "The store is not empty, and a restore goes into an empty one. Name another data folder or database, or move what is there away.");
        }

        foreach (var table in BackupTable.All)
        {
            await store.ExecuteAsync($"DELETE FROM {table.Name};");
        }
    }

    private static async Task<bool> IsFilledAsync(StoreSession store)
    {
        foreach (var table in BackupTable.All)
        {
            if (await store.ScalarAsync($"SELECT 1 FROM {table.Name} LIMIT 1;") is not null)
            {
                return true;
            }
        }

        return false;
    }

    private static async Task<bool> IsMarkedAsync(StoreSession store) =>
        await store.ScalarAsync("SELECT 1 FROM grain_state WHERE grain_id = @id;", ("id", MarkId)) is not null;

    private async Task<TrustDomainState> BeginAsync(CancellationToken cancellationToken)
    {
        var row = new GrainState<TrustDomainState>(new TrustDomainState());
        await storage.ReadStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(silo.TrustDomain), row);
        row.State = await restoration.BeginAsync(row.State!, cancellationToken);
        await storage.WriteStateAsync(TrustDomainGrain.StateName, TrustDomainGrain.IdOf(silo.TrustDomain), row);
        return row.State;
    }
}

/// <summary>What a restore has done.</summary>
/// <param name="TrustDomain">Whose backup it was.</param>
/// <param name="TakenAt">The moment whose state it holds.</param>
/// <param name="Rows">How many rows went into the store.</param>
/// <param name="Sequence">The bundle's sequence from now on.</param>
internal sealed record RestoreReport(string TrustDomain, DateTimeOffset TakenAt, long Rows, long Sequence);
