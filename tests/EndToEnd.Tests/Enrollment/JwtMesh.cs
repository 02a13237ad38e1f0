using Mesh.Admin.V1;
using Mesh.EndToEnd.Tests.Support;
using Mesh.Tests.Oidc;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Enrollment;

/// <summary>A mesh that takes the JWTs of one issuer, and that issuer.</summary>
public sealed class JwtMesh : IAsyncLifetime
{
    private readonly TempFolder _folder = new();

    internal MeshUnderTest Mesh { get; private set; } = null!;

    internal TestOidcIssuer Issuer { get; } = new();

    internal async Task<string> BundleAsync() => (await Mesh.Admin.GetBundleAsync(new GetBundleRequest())).Jwks;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder.File("jwks.json"), Issuer.Jwks);
        Mesh = await MeshUnderTest.StartAsync(
            $"--Attestation:Oidc:0:Issuer={TestOidcIssuer.Issuer}", $"--Attestation:Oidc:0:Audience={TestOidcIssuer.Audience}",
            $"--Attestation:Oidc:0:JwksFile={_folder.File("jwks.json")}");
    }

    public async ValueTask DisposeAsync()
    {
        if (Mesh is not null)
        {
            await Mesh.DisposeAsync();
        }

        Issuer.Dispose();
        _folder.Dispose();
    }
}
