namespace Mesh.Silo.Roles;

/// <summary>Marks each call that this silo makes, whichever grain or service makes it.</summary>
internal sealed class SiloCallMarker(SiloCallSecret secret) : IOutgoingGrainCallFilter
{
    public Task Invoke(IOutgoingGrainCallContext context)
    {
        secret.Mark();
        return context.Invoke();
    }
}
