using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>Trust bundles as SPIFFE JWKS (SPIFFE Trust Domain and Bundle §4), with what SPIFFE has no word for in the
/// private member <c>mesh_orleans</c>, which others ignore.</summary>
public static class TrustBundleJson
{
    /// <summary>The largest bundle that is read or written: 1 MiB.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>The most keys that a bundle may have.</summary>
    public const int MaxKeys = 256;

    private const string Name = "bundle";

    /// <summary>UTF-8, and the same bytes for the same content.</summary>
    /// <exception cref="ArgumentException">An anchor can't be read, a figure is negative, or the result gets too large.</exception>
    public static byte[] Write(TrustBundle bundle)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bundle.Sequence);
        ArgumentOutOfRangeException.ThrowIfNegative(bundle.Epoch);
        ArgumentOutOfRangeException.ThrowIfLessThan(bundle.RefreshHint, TimeSpan.Zero);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            JsonWebKeys.Write(writer, bundle.Anchors);
            writer.WriteNumber("spiffe_sequence", bundle.Sequence);
            writer.WriteNumber("spiffe_refresh_hint", (long)bundle.RefreshHint.TotalSeconds);
            MeshMember.Write(writer, bundle);
            writer.WriteEndObject();
        }

        return stream.Length <= MaxBytes
            ? stream.ToArray()
            : throw new ArgumentException($"The bundle would have {stream.Length} bytes; at most {MaxBytes} are allowed.", nameof(bundle));
    }

    /// <summary>Reads a bundle of the mesh; it must have the private member.</summary>
    /// <exception cref="FormatException">Something is missing or wrong; the message names the member.</exception>
    public static TrustBundle Read(ReadOnlySpan<byte> json)
    {
        using var document = Parse(json);
        var members = StrictJson.Object(document.RootElement, Name);
        var anchors = JsonWebKeys.Read(members);
        return MeshMember.Read(members, anchors) with
        {
            Sequence = members.Number("spiffe_sequence"),
            RefreshHint = RefreshHint(members) ?? TrustBundle.DefaultRefreshHint,
        };
    }

    /// <summary>Reads any SPIFFE bundle. Keys of no known use or type are passed over, as the standard demands.</summary>
    /// <param name="trustDomain">Whose bundle it is: configured, never taken from the bundle.</param>
    /// <param name="json">At most 1 MiB and 256 keys.</param>
    /// <exception cref="FormatException">Something is missing or wrong; the message names the member.</exception>
    public static FederatedBundle ReadSpiffe(TrustDomainName trustDomain, ReadOnlySpan<byte> json)
    {
        using var document = Parse(json);
        var members = StrictJson.Object(document.RootElement, Name);
        RefreshHint(members);
        var bundle = new FederatedBundle(trustDomain, JsonWebKeys.Read(members), members.OptionalNumber("spiffe_sequence") ?? 0);
        return MeshMember.AddTo(bundle, members);
    }

    private static TimeSpan? RefreshHint(JsonMembers members) =>
        members.OptionalNumber("spiffe_refresh_hint") is { } seconds
            ? TimeSpan.FromSeconds(Math.Min(seconds, (long)TimeSpan.FromDays(365).TotalSeconds))
            : null;

    private static JsonDocument Parse(ReadOnlySpan<byte> json) =>
        json.Length <= MaxBytes
            ? StrictJson.Parse(json, Name)
            : throw new FormatException($"The bundle has {json.Length} bytes; at most {MaxBytes} are accepted.");
}
