namespace Mesh.Silo.Storage;

/// <summary>Orleans' reminder table, whose faults are told as the store's: a grain that registers a reminder has callers too.</summary>
internal sealed class GuardedReminderTable(IReminderTable table, StoreFaults faults) : IReminderTable
{
    public Task StartAsync(CancellationToken cancellationToken) => GuardAsync(() => table.StartAsync(cancellationToken));

    public Task<ReminderTableData> ReadRows(GrainId grainId) => faults.GuardAsync(() => table.ReadRows(grainId));

    public Task<ReminderTableData> ReadRows(uint begin, uint end) => faults.GuardAsync(() => table.ReadRows(begin, end));

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) => faults.GuardAsync(() => table.ReadRow(grainId, reminderName));

    public Task<string?> UpsertRow(ReminderEntry entry) => faults.GuardAsync(() => table.UpsertRow(entry));

    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) =>
        faults.GuardAsync(() => table.RemoveRow(grainId, reminderName, eTag));

    public Task TestOnlyClearTable() => GuardAsync(table.TestOnlyClearTable);

    public Task StopAsync(CancellationToken cancellationToken) => table.StopAsync(cancellationToken);

    private Task<bool> GuardAsync(Func<Task> work) => faults.GuardAsync(async () =>
    {
        await work();
        return true;
    });
}
