using Mesh.Bench.Results;
using Mesh.Bench.Support;

namespace Mesh.Bench.Lifecycle;

/// <summary>A mesh whose certificates live ten seconds, under a load: everything rotates, then a stolen issuer is revoked.</summary>
internal static class LifecycleBench
{
    // Ten seconds, and a successor of the control plane's issuer is published for two instead of sixty.
    private static readonly string[] Settings =
        ["--Leaf:Lifetime=00:00:10", "--Leaf:ControlPlaneLifetime=00:00:10", "--Issuer:PublishFor=00:00:02"];

    /// <param name="seconds">How long the load lasts before the revocation, at the least. From 60 on the anchor's rotation is waited for.</param>
    public static async Task<BenchReport> RunAsync(int seconds, CancellationToken cancellationToken)
    {
        await using var mesh = await BenchMesh.StartAsync(Settings);
        await mesh.AddProxyHostAsync();
        await using var pair = await BenchPair.StartAsync(mesh);
        await using var load = new RequestLoad(pair.Entrance);
        var rotations = await new Rotations(mesh, pair, load).RunAsync(seconds, cancellationToken);
        var revocation = await new StolenKey(mesh, pair, load).RunAsync(cancellationToken);
        return new BenchReport("lifecycle", [.. rotations, .. revocation]);
    }
}
