using System.Security.Cryptography;
using Mesh.Grains.Attestation;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Issuance;
using Mesh.Grains.Keys;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Mesh.Grains.Issuers;

/// <inheritdoc cref="ISignerGrain"/>
[GrainType("signer"), StatelessWorker]
internal sealed partial class SignerGrain(
    EvidenceVerifier evidenceVerifier,
    IIssuanceStore store,
    IKeyStore keys,
    JoinTokenFactory tokens,
    IOptions<LeafOptions> options,
    IssuanceInstruments instruments,
    TimeProvider clock,
    ILogger<SignerGrain> logger) : Grain, ISignerGrain
{
    // The issuer in use, and the bundle that belongs to it; replaced when the issuer grain names another.
    private LoadedIssuer? _loaded;

    public async Task<IssuedSvid> SignAsync(SignRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var issued = await DecideAndSignAsync(request, cancellationToken);
            instruments.Issued(Purpose);
            return issued;
        }
        catch (MeshException refusal)
        {
            instruments.Refused(Purpose, refusal.Error);
            Log.Refused(logger, request.Id, refusal.Error, refusal.Message);
            throw;
        }
        catch (Exception fault) when (fault is IOException or TimeoutException or OrleansException)
        {
            instruments.Refused(Purpose, MeshError.NotReady);
            throw NotReady(request, fault);
        }
    }

    // A store or another grain that does not answer is nothing that the requester did: it is told to come again.
    private MeshException NotReady(SignRequest request, Exception fault)
    {
        Log.NotReady(logger, request.Id, fault);
        return new MeshException(MeshError.NotReady, "The control plane's store or issuer does not answer. Try again with the same request.");
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _loaded?.Signer.Key.Dispose();
        return Task.CompletedTask;
    }

    private (string TrustDomain, AuthorityPurpose Purpose) Key => IssuerKey.Parse(this.GetPrimaryKeyString());

    private AuthorityPurpose Purpose => Key.Purpose;

    private async Task<IssuedSvid> DecideAndSignAsync(SignRequest request, CancellationToken cancellationToken)
    {
        CheckSubject(request.Id);
        var publicKey = CsrReader.ReadPublicKey(request.Csr, request.Id);
        var issuer = await UseActiveIssuerAsync(request.Epoch, cancellationToken);
        RefuseRevokedKey(publicKey, issuer.Bundle);
        var csrHash = Convert.ToHexStringLower(SHA256.HashData(request.Csr.Span));
        var proven = await evidenceVerifier.VerifyAsync(request, csrHash, issuer.Bundle, cancellationToken);
        var record = proven.AlreadyIssued ?? await IssueAsync(request.Id, publicKey, csrHash, proven, issuer);
        return await AnswerAsync(request, record, issuer, cancellationToken);
    }

    private void CheckSubject(SpiffeId id)
    {
        var (trustDomain, purpose) = Key;
        var isMine = purpose == AuthorityPurpose.Workload ? id.Role == IdentityRole.Workload : id.Role == IdentityRole.ProxyHost;
        if (id.TrustDomain.Name != trustDomain || !isMine)
        {
            throw new MeshException(MeshError.InvalidRequest, $"{id} is not for the {purpose.Word()} issuer of {trustDomain} to sign.");
        }
    }

    // An authority's key, or one that was revoked, would void the leaf or worse: be worn as a mask.
    private static void RefuseRevokedKey(byte[] publicKey, TrustBundle bundle)
    {
        var hash = KeyHash.OfPublicKey(publicKey);
        if (bundle.Revocations.Any(revocation => revocation.KeyHash == hash))
        {
            throw new MeshException(MeshError.Revoked, $"The key {hash} was revoked and is never certified again.");
        }

        if (bundle.Anchors.Any(anchor => anchor.KeyHash == hash) || bundle.ControlPlaneIssuers.Contains(hash))
        {
            throw new MeshException(MeshError.InvalidRequest, $"The key {hash} belongs to an authority.");
        }
    }

    private async Task<IssuanceRecord> IssueAsync(
        SpiffeId id, byte[] publicKey, string csrHash, ProvenInstance proven, LoadedIssuer issuer)
    {
        var lifetime = Purpose == AuthorityPurpose.Workload ? options.Value.Lifetime : options.Value.ControlPlaneLifetime;
        var validity = Validity.From(clock.GetUtcNow(), lifetime).Within(issuer.Signer.NotAfter).Backdated(SvidProfile.Backdating);
        if (validity.NotAfter <= clock.GetUtcNow())
        {
            throw new MeshException(MeshError.NotReady, $"The issuer {issuer.KeyHash} has ended, and its successor does not sign yet. Try again.");
        }

        var leaf = LeafCertificate.Create(id, proven.InstanceId, publicKey, issuer.Signer, validity);
        var shard = IssuanceKey.ShardOf(proven.InstanceId);
        var record = new IssuanceRecord(
            issuer.KeyHash, shard, 0, id, proven.InstanceId, proven.LastGeneration + 1, csrHash, proven.PreviousLeafHash, leaf,
            issuer.Signer.CertificateDer, validity.NotAfter);

        // The certificate leaves only after it is on record.
        var outcome = await GrainFactory.GetGrain<IIssuanceGrain>(IssuanceKey.Of(issuer.KeyHash, shard)).AppendAsync(record);
        if (outcome == AppendOutcome.Appended)
        {
            Log.Issued(logger, id, proven.InstanceId, record.Generation, validity.NotAfter);
            return record;
        }

        // A try of the identical request that was given up on may have been recorded in the meantime: its answer is this one's too.
        if (outcome == AppendOutcome.GenerationTaken
            && await store.FindLatestAsync(proven.InstanceId, CancellationToken.None) is { } latest
            && latest.CsrHash == csrHash && latest.PreviousLeafHash == proven.PreviousLeafHash)
        {
            return latest;
        }

        throw outcome == AppendOutcome.GenerationTaken
            ? new MeshException(MeshError.SupersededKey, $"Instance {proven.InstanceId} of {id} was issued another certificate at the same time.")
            : new MeshException(MeshError.NotReady, "The issuance record has another writer now. Try again.");
    }

    private async Task<IssuedSvid> AnswerAsync(
        SignRequest request, IssuanceRecord record, LoadedIssuer issuer, CancellationToken cancellationToken)
    {
        var reenrollment = request.Evidence is TokenEvidence evidence
            ? await tokens.CreateReenrollmentAsync(
                issuer.Bundle, JoinToken.ParseUnverified(evidence.Token), record.NotAfter + options.Value.RecoveryWindow, cancellationToken)
            : null;
        return new IssuedSvid([record.Leaf, record.IssuerCertificate], record.NotAfter, record.InstanceId, reenrollment, issuer.SignedBundle);
    }

    private async Task<LoadedIssuer> UseActiveIssuerAsync(long epoch, CancellationToken cancellationToken)
    {
        var active = await GrainFactory.GetGrain<IIssuerGrain>(this.GetPrimaryKeyString()).GetActiveAsync(epoch);
        if (_loaded is { } loaded && loaded.KeyHash == active.KeyHash && loaded.Epoch == active.Epoch)
        {
            return loaded;
        }

        var use = Purpose == AuthorityPurpose.Workload ? KeyUse.WorkloadIssuer : KeyUse.ControlPlaneIssuer;
        var key = await keys.LoadAsync(active.KeyHash, use, cancellationToken)
            ?? throw new MeshException(MeshError.NotReady, $"The key store does not hold the key of issuer {active.KeyHash}.");
        var previous = _loaded;
        _loaded = new LoadedIssuer(
            active.KeyHash, active.Epoch, new Signer(active.Certificate, key), active.SignedBundle, SignedBundle.Parse(active.SignedBundle).Bundle);
        previous?.Signer.Key.Dispose();
        return _loaded;
    }

    private sealed record LoadedIssuer(KeyHash KeyHash, long Epoch, Signer Signer, string SignedBundle, TrustBundle Bundle);

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
