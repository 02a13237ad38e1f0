using System.Collections.Immutable;
using Orleans.Concurrency;

namespace Mesh.Grains.Issuance;

/// <summary>The one writer of an issuer's shard of issuance records. Key: ISSUER-KEY-HASH/SHARD.</summary>
[Alias("mesh.issuance"), GrainInterfaceType("mesh.issuance")]
internal interface IIssuanceGrain : IGrainWithStringKey
{
    /// <summary>Appends records; the answer comes after they are durable, with the records of others that came at the same time.</summary>
    /// <param name="records">Their indices are set here.</param>
    /// <returns>What became of each, in their order.</returns>
    [Alias("append"), AlwaysInterleave]
    Task<AppendOutcome[]> AppendAsync(ImmutableArray<IssuanceRecord> records);
}
