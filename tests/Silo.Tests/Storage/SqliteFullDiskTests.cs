using System.Diagnostics;
using System.Globalization;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Issuance;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using static Mesh.Silo.Tests.Support.TestRecords;

namespace Mesh.Silo.Tests.Storage;

/// <summary>A disk that fills up under the embedded store.</summary>
public class SqliteFullDiskTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task On_a_full_disk_issuing_stops_with_a_clear_error_nothing_is_half_written_and_reads_go_on()
    {
        var folder = await MountAsync();
        try
        {
            await using var store = await TestStore.OpenAsync(Path.Combine(folder, "store"), null);
            var issuance = new IssuanceStore(store.Database);
            var ballast = Path.Combine(folder, "ballast");
            await issuance.AppendAsync([Record(1, "a")], Cancel);
            await FillAsync(ballast);

            var (written, refusal) = await AppendUntilRefusedAsync(issuance);

            Assert.Equal(MeshError.NotReady, refusal.Error);
            Assert.Contains("its disk is full", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(written + 1, await issuance.GetNextIndexAsync(Issuer, 0, Cancel));
            Assert.NotNull(await issuance.FindLatestAsync("a", Cancel));
            Assert.Null(await issuance.FindLatestAsync(string.Create(CultureInfo.InvariantCulture, $"i-{written + 1}"), Cancel));

            File.Delete(ballast);

            Assert.Equal([AppendOutcome.Appended], await issuance.AppendAsync([Record(written + 1, "after")], Cancel));
        }
        finally
        {
            await RunAsync("umount", folder);
            Directory.Delete(folder);
        }
    }

    // The last index that was taken, and how the next was refused. A batch of many goes wholly in or not at all.
    private static async Task<(long Written, MeshException Refusal)> AppendUntilRefusedAsync(IssuanceStore issuance)
    {
        for (long written = 1; written < 100_000; written += 100)
        {
            try
            {
                var first = written + 1;
                await issuance.AppendAsync(
                    [.. Enumerable.Range(0, 100).Select(i => Record(first + i, string.Create(CultureInfo.InvariantCulture, $"i-{first + i}")))], Cancel);
            }
            catch (MeshException refusal)
            {
                return (written, refusal);
            }
        }

        throw new InvalidOperationException("The disk did not fill up.");
    }

    private static async Task FillAsync(string path)
    {
        await using var file = File.Create(path);
        try
        {
            while (true)
            {
                await file.WriteAsync(new byte[4096], Cancel);
                await file.FlushAsync(Cancel);
            }
        }
        catch (IOException)
        {
            // No space left on device: as full as it gets.
        }
    }

    private static async Task<string> MountAsync()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Skip("Only root may mount a small tmpfs to fill. Run these tests as root to include this one.");
        }

        var folder = Directory.CreateTempSubdirectory("mesh-full-").FullName;
        if (!await RunAsync("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder))
        {
            Directory.Delete(folder);
            Assert.Skip("Mounting a tmpfs is not allowed here.");
        }

        Directory.CreateDirectory(Path.Combine(folder, "store"));
        return folder;
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode == 0;
    }
}
