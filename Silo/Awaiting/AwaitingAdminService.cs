using Grpc.Core;
using Mesh.Admin.V1;
using Mesh.Grains.Issuers;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Admin;
using Mesh.Silo.Hosting;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Awaiting;

/// <summary>What the admin API answers while the silo has no issuers: what it waits for, and here it is.</summary>
internal sealed class AwaitingAdminService(
    TrustGenesis genesis, IOptions<SiloOptions> options, IOptions<IssuerOptions> issuerOptions, TimeProvider clock) : Mesh.Admin.V1.Admin.AdminBase
{
    private readonly SiloOptions _options = options.Value;

    public override Task<GetVersionResponse> GetVersion(GetVersionRequest request, ServerCallContext context) => Task.FromResult(
        new GetVersionResponse { Version = ProductVersion.Text, TrustDomain = _options.TrustDomain });

    public override async Task<TrustDomain> GetTrustDomain(GetTrustDomainRequest request, ServerCallContext context) =>
        Report(await genesis.ReadAsync(_options.TrustDomainName));

    public override async Task<TrustDomain> InstallCertificates(InstallCertificatesRequest request, ServerCallContext context) =>
        Report(await genesis.InstallAsync(_options.TrustDomainName, AdminMessages.Certificates(request.Pem), context.CancellationToken));

    private TrustDomain Report(TrustDomainState trust) =>
        AdminMessages.ToMessage(TrustDomainReport.Of(trust, issuerOptions.Value.RotateAt, clock.GetUtcNow()));
}
