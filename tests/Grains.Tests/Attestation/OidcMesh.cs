using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Mesh.Grains.Attestation.Oidc;
using Mesh.Grains.Interfaces.Attestation;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Tests.Support;
using Mesh.Spiffe;
using Mesh.Tests.Oidc;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Tests.Attestation;

/// <summary>A silo that takes the JWTs of one issuer, and that issuer.</summary>
public sealed class OidcMesh : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-oidc-test-");
    private readonly MeterListener _metrics = new();
    private long _refusedTokens;

    public OidcMesh()
    {
        _metrics.InstrumentPublished = (instrument, listener) =>
        {
            // Of this silo, and not of another test's.
            if (instrument.Name == "mesh.svid.refused" && ReferenceEquals(instrument.Meter.Scope, Cluster?.Services.GetService<IMeterFactory>()))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _metrics.SetMeasurementEventCallback<long>((_, refused, tags, _) =>
        {
            foreach (var (name, value) in tags)
            {
                if (name == "error.type" && value as string == nameof(MeshError.TokenRejected))
                {
                    Interlocked.Add(ref _refusedTokens, refused);
                }
            }
        });
    }

    internal MeshCluster Cluster { get; private set; } = null!;

    internal TestOidcIssuer Issuer { get; } = new();

    internal string JwksFile => Path.Combine(_folder.FullName, "jwks.json");

    internal DateTimeOffset Now => Cluster.Clock.GetUtcNow();

    internal long RefusedTokens => Interlocked.Read(ref _refusedTokens);

    internal static async Task<OidcMesh> StartAsync()
    {
        var mesh = new OidcMesh();
        await mesh.InitializeAsync();
        return mesh;
    }

    public async ValueTask InitializeAsync()
    {
        Publish(Issuer.Jwks);
        Cluster = await MeshCluster.StartAsync(configure: services => services.Configure<AttestationOptions>(options => options.Oidc.Add(
            new OidcIssuerOptions { Issuer = TestOidcIssuer.Issuer, Audience = TestOidcIssuer.Audience, JwksFile = JwksFile })));
        _metrics.Start();
    }

    internal void Publish(string jwks) => File.WriteAllText(JwksFile, jwks);

    internal static SpiffeId IdOf(string account) => SpiffeId.ForWorkload(MeshCluster.TrustDomain, "emojivoto", account);

    internal static byte[] NewCsr(string account)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CertificateRequestBuilder.CreateCsr(IdOf(account), key);
    }

    internal Task<IssuedSvid> EnrollAsync(string token, byte[]? csr = null) => Cluster.Grains.GetGrain<IEnrollmentGrain>(MeshCluster.TrustDomain.Name)
        .EnrollByJwtAsync(csr ?? NewCsr("web"), new JwtEvidence(token), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        await Cluster.DisposeAsync();
        Issuer.Dispose();
        _folder.Delete(recursive: true);
    }
}
