namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A silo and a ProxyHost that the tests of one class share.</summary>
public sealed class RunningMesh : IAsyncLifetime
{
    internal MeshUnderTest Mesh { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Mesh = await MeshUnderTest.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (Mesh is not null)
        {
            await Mesh.DisposeAsync();
        }
    }
}
