using Mesh.Spiffe;

namespace Mesh.Grains.Issuance;

/// <summary>The append-only record of what was issued, and of the tokens that were redeemed for it.</summary>
internal interface IIssuanceStore
{
    /// <summary>The index that the next record of an issuer's shard takes.</summary>
    Task<long> GetNextIndexAsync(KeyHash issuer, int shard, CancellationToken cancellationToken);

    /// <summary>Appends in one transaction; durable when the task ends. One outcome for each record, in their order.</summary>
    Task<IReadOnlyList<AppendOutcome>> AppendAsync(IReadOnlyList<IssuanceRecord> records, CancellationToken cancellationToken);

    /// <summary>The newest record of an instance; null where it was never issued anything.</summary>
    Task<IssuanceRecord?> FindLatestAsync(string instanceId, CancellationToken cancellationToken);

    /// <summary>The newest record of each of these instances, by instance; none for those that were never issued anything.</summary>
    /// <param name="instanceIds">A few hundred at the most.</param>
    /// <param name="cancellationToken">Stops the query.</param>
    Task<IReadOnlyDictionary<string, IssuanceRecord>> FindLatestAsync(IReadOnlyCollection<string> instanceIds, CancellationToken cancellationToken);

    /// <summary>The newest record of each instance whose certificate has not expired, by identity.</summary>
    /// <param name="id">Null: every identity.</param>
    /// <param name="now">What counts as expired.</param>
    /// <param name="limit">How many at the most.</param>
    /// <param name="cancellationToken">Stops the query.</param>
    Task<IReadOnlyList<IssuanceRecord>> ListLiveAsync(SpiffeId? id, DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Uses a token up, by conditional insert. The first caller's instance id is kept; a repeat with the same request is given
    /// it again, and anything else null.
    /// </summary>
    Task<string?> RedeemAsync(TokenRedemption redemption, CancellationToken cancellationToken);

    /// <summary>Forgets what nobody can refer to any more, the same number of rows at the most of either kind.</summary>
    /// <param name="ended">Records of certificates that had ended by then.</param>
    /// <param name="spent">Redemptions of tokens that had ended by then.</param>
    /// <param name="limit">How many at the most; the rest is left to the next time.</param>
    /// <param name="cancellationToken">Stops it; what it has done is done wholly or not at all.</param>
    /// <returns>How many rows went.</returns>
    Task<int> PruneAsync(DateTimeOffset ended, DateTimeOffset spent, int limit, CancellationToken cancellationToken);
}

/// <summary>What became of one record.</summary>
internal enum AppendOutcome
{
    /// <summary>It is on record.</summary>
    Appended,

    /// <summary>The instance has a certificate of that generation already.</summary>
    GenerationTaken,

    /// <summary>Another writer has used the index: this one is not the shard's writer any more.</summary>
    IndexTaken,
}

/// <summary>The use of a token.</summary>
/// <param name="TokenId">The token's <c>jti</c>.</param>
/// <param name="CsrHash">SHA-256 of the request, hex.</param>
/// <param name="InstanceId">The instance id that the first use takes.</param>
/// <param name="ExpiresAt">When the row is of no more use.</param>
internal sealed record TokenRedemption(string TokenId, string CsrHash, string InstanceId, DateTimeOffset ExpiresAt);
