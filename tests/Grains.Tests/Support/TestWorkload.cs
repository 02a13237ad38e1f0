using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Support;

/// <summary>What a proxy does, without a proxy: a key, a CSR, the evidence for it.</summary>
internal sealed class TestWorkload(MeshCluster mesh, string account)
{
    public SpiffeId Id { get; } = SpiffeId.ForWorkload(MeshCluster.TrustDomain, "emojivoto", account);

    public IWorkloadGrain Grain => mesh.Grains.GetGrain<IWorkloadGrain>(Id.ToString());

    public SvidCredential? Credential { get; private set; }

    public async Task<string> TokenAsync() =>
        (await mesh.Trust.CreateJoinTokenAsync(Id, TimeSpan.FromHours(1), [new Uri("https://127.0.0.1:8086")])).Text;

    public async Task<IssuedSvid> EnrollAsync()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var issued = await EnrollAsync(CertificateRequestBuilder.CreateCsr(Id, key), await TokenAsync());
        Credential = SvidCredential.Create(issued.Chain, key);
        return issued;
    }

    public Task<IssuedSvid> EnrollAsync(byte[] csr, string token) =>
        Grain.EnrollAsync(csr, new TokenEvidence(token), "proxyhost-0", CancellationToken.None);

    public async Task<IssuedSvid> RenewAsync()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var issued = await RenewAsync(CertificateRequestBuilder.CreateCsr(Id, key), Credential!);
        Credential = SvidCredential.Create(issued.Chain, key);
        return issued;
    }

    /// <summary>As a proxy does where the issuer has yet to hear that it may sign: again and again.</summary>
    public async Task<IssuedSvid> RenewWhenReadyAsync(CancellationToken cancellationToken)
    {
        IssuedSvid? issued = null;
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    issued = await RenewAsync();
                    return true;
                }
                catch (MeshException notYet) when (notYet.Error == MeshError.NotReady)
                {
                    return false;
                }
            },
            cancellationToken);
        return issued!;
    }

    public Task<IssuedSvid> RenewAsync(byte[] csr, SvidCredential with, long epoch = 0) => mesh.RenewAsync(Renewal(csr, with, epoch));

    public SignRequest Renewal(byte[] csr, SvidCredential with, long epoch = 0) =>
        new(Id, csr, new RenewalEvidence(with.Svid.LeafDer, RenewalProof.Create(with, csr)), epoch);
}
