using System.Collections.Immutable;
using Mesh.Grains.Attestation.Renewal;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Issuance;
using Orleans.Concurrency;

namespace Mesh.Grains.Issuers;

/// <inheritdoc cref="IRenewalGrain"/>
/// <remarks>One question to the issuer, one to the store and one append for all; what is wrong with one request ends that one.</remarks>
[GrainType("renewal"), StatelessWorker]
internal sealed class RenewalGrain(LeafSigner signer, RenewalAttestor attestor, EvidenceVerifier evidenceVerifier, IIssuanceStore store) : Grain, IRenewalGrain
{
    private const AuthorityPurpose Purpose = AuthorityPurpose.Workload;

    public async Task<ImmutableArray<RenewalOutcome>> RenewAsync(ImmutableArray<SignRequest> requests)
    {
        if (requests.IsDefaultOrEmpty || requests.Length > IRenewalGrain.MostAtOnce)
        {
            throw new MeshException(MeshError.InvalidRequest, $"1 to {IRenewalGrain.MostAtOnce} requests are renewed at once.");
        }

        var trustDomain = this.GetPrimaryKeyString().Split('/')[0];
        var renewals = requests.Select(request => new Renewal(request)).ToList();
        try
        {
            Each(renewals, renewal => renewal.Check(trustDomain));
            var issuer = await UseIssuerAsync(trustDomain, requests.Max(request => request.Epoch));
            await AttestAsync(renewals, issuer);
            await RecordAsync(renewals, issuer);
            return [.. renewals.Select(renewal => Outcome(renewal, issuer))];
        }
        catch (Exception e) when (LeafSigner.IsRefusal(e))
        {
            var refusals = requests.Select(request => signer.Refused(request.Id, Purpose, e)).ToList();
            throw refusals[0];
        }
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        signer.Dispose();
        return Task.CompletedTask;
    }

    // Anybody can claim to have seen an epoch that nobody has: that is for him to hear alone.
    private async Task<IssuerInUse> UseIssuerAsync(string trustDomain, long newest)
    {
        try
        {
            return await signer.UseActiveIssuerAsync(trustDomain, Purpose, newest, CancellationToken.None);
        }
        catch (MeshException e) when (e.Error == MeshError.Stale)
        {
            return await signer.UseActiveIssuerAsync(trustDomain, Purpose, 0, CancellationToken.None);
        }
    }

    private async Task AttestAsync(List<Renewal> renewals, IssuerInUse issuer)
    {
        Each(renewals, renewal => renewal.RefuseStale(issuer));
        var instances = renewals.Where(renewal => renewal is { IsOpen: true, Shown.InstanceId: not null }).Select(renewal => renewal.Shown!.InstanceId!);
        var latest = await store.FindLatestAsync(instances.ToHashSet(), CancellationToken.None);
        Each(renewals, renewal => renewal.Attest(latest, issuer, attestor, evidenceVerifier));
    }

    private async Task RecordAsync(List<Renewal> renewals, IssuerInUse issuer)
    {
        Each(renewals, renewal => renewal.Sign(signer, issuer));
        await Task.WhenAll(renewals.Where(renewal => renewal.Signed is not null).GroupBy(renewal => renewal.Signed!.Shard).Select(shard => AppendAsync([.. shard])));
    }

    private async Task AppendAsync(IReadOnlyList<Renewal> shard)
    {
        try
        {
            var outcomes = await signer.AppendAsync([.. shard.Select(renewal => renewal.Signed!)]);
            foreach (var (renewal, outcome) in shard.Zip(outcomes))
            {
                await renewal.AnswerAsync(outcome, signer);
            }
        }
        catch (Exception e) when (LeafSigner.IsRefusal(e))
        {
            foreach (var renewal in shard)
            {
                renewal.Refusal ??= e;
            }
        }
    }

    private RenewalOutcome Outcome(Renewal renewal, IssuerInUse issuer)
    {
        if (renewal.Refusal is { } refusal)
        {
            return RenewalOutcome.Of(signer.Refused(renewal.Request.Id, Purpose, refusal));
        }

        signer.Issued(Purpose);
        return RenewalOutcome.Of(issuer.Answer(renewal.Answer!));
    }

    private static void Each(List<Renewal> renewals, Action<Renewal> step)
    {
        foreach (var renewal in renewals.Where(renewal => renewal.IsOpen))
        {
            try
            {
                step(renewal);
            }
            catch (MeshException refusal)
            {
                renewal.Refusal = refusal;
            }
        }
    }
}
