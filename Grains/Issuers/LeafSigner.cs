using Mesh.Grains.Attestation;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Issuance;
using Mesh.Grains.Keys;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.Issuers;

/// <summary>
/// Signs leaves with the issuer in use and puts them on record. Each grain that signs has one of its own, and uses it for one call at a time.
/// </summary>
internal sealed partial class LeafSigner(
    IGrainFactory grains,
    IIssuanceStore store,
    IKeyStore keys,
    IOptions<LeafOptions> options,
    IssuanceInstruments instruments,
    TimeProvider clock,
    ILogger<LeafSigner> logger) : IDisposable
{
    // The issuer in use, and the bundle that belongs to it; replaced when the issuer grain names another.
    private IssuerInUse? _inUse;

    /// <summary>The issuer that signs now, and its key.</summary>
    /// <param name="epoch">The answer is at least as new, or refused.</param>
    /// <exception cref="MeshException">As <see cref="IIssuerGrain.GetActiveAsync"/>.</exception>
    public async Task<IssuerInUse> UseActiveIssuerAsync(string trustDomain, AuthorityPurpose purpose, long epoch, CancellationToken cancellationToken)
    {
        var active = await grains.GetGrain<IIssuerGrain>(IssuerKey.Of(trustDomain, purpose)).GetActiveAsync(epoch);
        if (_inUse is { } inUse && inUse.KeyHash == active.KeyHash && inUse.Epoch == active.Epoch)
        {
            return inUse;
        }

        var use = purpose == AuthorityPurpose.Workload ? KeyUse.WorkloadIssuer : KeyUse.ControlPlaneIssuer;
        var key = await keys.LoadAsync(active.KeyHash, use, cancellationToken)
            ?? throw new MeshException(MeshError.NotReady, $"The key store does not hold the key of issuer {active.KeyHash}.");
        var previous = _inUse;
        _inUse = new IssuerInUse(
            purpose, active.KeyHash, active.Epoch, new Signer(active.Certificate, key), active.SignedBundle, SignedBundle.Parse(active.SignedBundle).Bundle);
        previous?.Signer.Key.Dispose();
        return _inUse;
    }

    /// <summary>A certificate that is good for nothing until <see cref="AppendAsync"/> has said so.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.NotReady"/>: the issuer has ended.</exception>
    public IssuanceRecord Sign(CheckedRequest request, ProvenInstance proven, IssuerInUse issuer)
    {
        var lifetime = issuer.Purpose == AuthorityPurpose.Workload ? options.Value.Lifetime : options.Value.ControlPlaneLifetime;
        var validity = Validity.From(clock.GetUtcNow(), lifetime).Within(issuer.Signer.NotAfter).Backdated(SvidProfile.Backdating);
        if (validity.NotAfter <= clock.GetUtcNow())
        {
            throw new MeshException(MeshError.NotReady, $"The issuer {issuer.KeyHash} has ended, and its successor does not sign yet. Try again.");
        }

        return new IssuanceRecord(
            issuer.KeyHash, IssuanceKey.ShardOf(proven.InstanceId), 0, request.Id, proven.InstanceId, proven.LastGeneration + 1, request.CsrHash,
            proven.PreviousLeafHash, LeafCertificate.Create(request.Id, proven.InstanceId, request.PublicKey, issuer.Signer, validity),
            issuer.Signer.CertificateDer, validity.NotAfter);
    }

    /// <summary>Puts certificates of one shard on record: no certificate leaves before that.</summary>
    /// <returns>What became of each, in their order.</returns>
    public Task<AppendOutcome[]> AppendAsync(IReadOnlyList<IssuanceRecord> records) =>
        grains.GetGrain<IIssuanceGrain>(IssuanceKey.Of(records[0].Issuer, records[0].Shard)).AppendAsync([.. records]);

    /// <summary>What whoever asked for a certificate is given, by what became of its record.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.SupersededKey"/>: the instance was given another.
    /// <see cref="MeshError.NotReady"/>: the record has another writer.</exception>
    public async Task<IssuanceRecord> AnswerAsync(IssuanceRecord record, AppendOutcome outcome)
    {
        if (outcome == AppendOutcome.Appended)
        {
            Log.Issued(logger, record.Id, record.InstanceId, record.Generation, record.NotAfter);
            return record;
        }

        // A try of the identical request that was given up on may have been recorded in the meantime: its answer is this one's too.
        if (outcome == AppendOutcome.GenerationTaken
            && await store.FindLatestAsync(record.InstanceId, CancellationToken.None) is { } latest
            && latest.CsrHash == record.CsrHash && latest.PreviousLeafHash == record.PreviousLeafHash)
        {
            return latest;
        }

        throw outcome == AppendOutcome.GenerationTaken
            ? new MeshException(MeshError.SupersededKey, $"Instance {record.InstanceId} of {record.Id} was issued another certificate at the same time.")
            : new MeshException(MeshError.NotReady, "The issuance record has another writer now. Try again.");
    }

    /// <summary>Counts what was issued.</summary>
    public void Issued(AuthorityPurpose purpose) => instruments.Issued(purpose);

    /// <summary>Counts and logs why nothing was issued, and gives it as a refusal.</summary>
    public MeshException Refused(SpiffeId id, AuthorityPurpose purpose, Exception reason)
    {
        if (reason is MeshException refusal)
        {
            instruments.Refused(purpose, refusal.Error);
            Log.Refused(logger, id, refusal.Error, refusal.Message);
            return refusal;
        }

        // A store or another grain that does not answer is nothing that the requester did: it is told to come again.
        instruments.Refused(purpose, MeshError.NotReady);
        Log.NotReady(logger, id, reason);
        return new MeshException(MeshError.NotReady, "The control plane's store or issuer does not answer. Try again with the same request.");
    }

    /// <summary>Whether it is a refusal, or a store or grain that does not answer; and no mistake in this program.</summary>
    public static bool IsRefusal(Exception e) => e is MeshException or IOException or TimeoutException or OrleansException;

    public void Dispose() => _inUse?.Signer.Key.Dispose();

    private static partial class Log
    {
        [LoggerMessage(EventId = 2203, Level = LogLevel.Error, Message = "Could not issue {SpiffeId}")]
        public static partial void NotReady(ILogger logger, SpiffeId spiffeId, Exception fault);

        [LoggerMessage(EventId = 2201, Level = LogLevel.Information, Message = "Issued generation {Generation} of {SpiffeId}, instance {InstanceId}, until {NotAfter}")]
        public static partial void Issued(ILogger logger, SpiffeId spiffeId, string instanceId, long generation, DateTimeOffset notAfter);

        [LoggerMessage(EventId = 2202, Level = LogLevel.Warning, Message = "Refused to issue {SpiffeId}: {Error}: {Reason}")]
        public static partial void Refused(ILogger logger, SpiffeId spiffeId, MeshError error, string reason);
    }
}

/// <summary>The issuer that signs, with its key, and the bundle that goes with what it has signed.</summary>
internal sealed record IssuerInUse(
    AuthorityPurpose Purpose, KeyHash KeyHash, long Epoch, Signer Signer, string SignedBundle, TrustBundle Bundle)
{
    /// <summary>What is on record, as an answer.</summary>
    public IssuedSvid Answer(IssuanceRecord record, string? reenrollmentToken = null) =>
        new([record.Leaf, record.IssuerCertificate], record.NotAfter, record.InstanceId, reenrollmentToken, SignedBundle);
}
