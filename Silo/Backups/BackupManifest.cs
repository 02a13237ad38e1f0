using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mesh.Silo.Backups;

/// <summary>A backup's first line: what it is, and which key files it needs.</summary>
/// <param name="Format">Always <see cref="CurrentFormat"/>: of another format nothing else is read.</param>
/// <param name="TrustDomain">Whose it is.</param>
/// <param name="TakenAt">The moment whose state it holds.</param>
/// <param name="Product">The version of the silo that took it.</param>
/// <param name="KeyEncryptionKey">Names the key file <c>key-encryption.key</c> that its keys are sealed under.</param>
/// <param name="AnchorEncryptionKey">Names the key file <c>anchor-encryption.key</c>, likewise.</param>
internal sealed record BackupManifest(
    string Format, string TrustDomain, DateTimeOffset TakenAt, string Product, string KeyEncryptionKey, string AnchorEncryptionKey)
{
    /// <summary>The format that is written and read.</summary>
    public const string CurrentFormat = "mesh-backup/1";

    public byte[] ToLine() => JsonSerializer.SerializeToUtf8Bytes(this, BackupJson.Default.BackupManifest);

    /// <exception cref="InvalidDataException">It is not a backup, or one of another format.</exception>
    public static BackupManifest Parse(ReadOnlySpan<byte> line)
    {
        BackupManifest? manifest = null;
        try
        {
            manifest = JsonSerializer.Deserialize(line, BackupJson.Default.BackupManifest);
        }
        catch (JsonException)
        {
            // Said below.
        }

        return manifest switch
        {
            { Format: CurrentFormat, TrustDomain: not null, Product: not null, KeyEncryptionKey: not null, AnchorEncryptionKey: not null } => manifest,
            { Format: { } other } when other != CurrentFormat => throw new InvalidDataException(
                $"The backup is of the format '{other}', and this silo reads {CurrentFormat}. Restore it with the version that wrote it."),
            _ => throw new InvalidDataException("The file is not a backup of a silo: its first line does not say so."),
        };
    }
}

/// <summary>A backup's last line.</summary>
/// <param name="Seal">Over every byte before it, in lower-case hex.</param>
internal sealed record BackupEnd(string Seal);

/// <summary>How the lines that are objects are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BackupManifest)), JsonSerializable(typeof(BackupEnd))]
internal sealed partial class BackupJson : JsonSerializerContext;
