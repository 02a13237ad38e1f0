namespace Mesh.EndToEnd.Tests.Support;

/// <summary>A silo and a ProxyHost that all tests share which leave them as they were.</summary>
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
