using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Mesh.Admin.V1;

namespace Mesh.Silo.Admin;

/// <summary>Backups, as a stream.</summary>
internal sealed partial class AdminService
{
    private const int ChunkBytes = 64 * 1024;

    public override async Task CreateBackup(
        CreateBackupRequest request, IServerStreamWriter<CreateBackupResponse> responseStream, ServerCallContext context)
    {
        await using var backup = await backups.TakeAsync(context.CancellationToken);
        await responseStream.WriteAsync(
            new CreateBackupResponse
            {
                Summary = new BackupSummary
                {
                    TrustDomain = backup.Manifest.TrustDomain,
                    TakenAt = backup.Manifest.TakenAt.ToTimestamp(),
                    Rows = backup.Rows,
                    Bytes = backup.File.Length,
                    KeyEncryptionKey = backup.Manifest.KeyEncryptionKey,
                    AnchorEncryptionKey = backup.Manifest.AnchorEncryptionKey,
                },
            },
            context.CancellationToken);
        var chunk = new byte[ChunkBytes];
        int read;
        while ((read = await backup.File.ReadAsync(chunk, context.CancellationToken)) > 0)
        {
            await responseStream.WriteAsync(new CreateBackupResponse { Data = ByteString.CopyFrom(chunk.AsSpan(0, read)) }, context.CancellationToken);
        }
    }
}
