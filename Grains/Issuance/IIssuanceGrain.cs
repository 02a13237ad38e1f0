using Orleans.Concurrency;

namespace Mesh.Grains.Issuance;

/// <summary>The one writer of an issuer's shard of issuance records. Key: ISSUER-KEY-HASH/SHARD.</summary>
[Alias("mesh.issuance"), GrainInterfaceType("mesh.issuance")]
internal interface IIssuanceGrain : IGrainWithStringKey
{
    /// <summary>Appends a record; the answer comes after it is durable, with the records that came at the same time.</summary>
    /// <param name="record">Its index is set here.</param>
    [Alias("append"), AlwaysInterleave]
    Task<AppendOutcome> AppendAsync(IssuanceRecord record);
}
