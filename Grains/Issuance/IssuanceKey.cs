using System.Globalization;
using Mesh.Spiffe;

namespace Mesh.Grains.Issuance;

/// <summary>The key of issuance grains: ISSUER-KEY-HASH/SHARD.</summary>
internal static class IssuanceKey
{
    /// <summary>How many writers an issuer has; an instance is always recorded by the same one.</summary>
    public const int Shards = 4;

    public static int ShardOf(string instanceId) => instanceId[0] % Shards;

    public static string Of(KeyHash issuer, int shard) => string.Create(CultureInfo.InvariantCulture, $"{issuer}/{shard}");

    public static (KeyHash Issuer, int Shard) Parse(string key) =>
        key.Split('/') is [var issuer, var shard]
            ? (KeyHash.Parse(issuer), int.Parse(shard, CultureInfo.InvariantCulture))
            : throw new FormatException($"'{key}' is not ISSUER-KEY-HASH/SHARD.");
}
