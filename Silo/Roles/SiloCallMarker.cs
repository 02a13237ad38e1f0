namespace Mesh.Silo.Roles;

/// <summary>Marks each call that this silo makes, whichever grain or service makes it.</summary>
internal sealed class SiloCallMarker(SiloCallSecret secret) : IOutgoingGrainCallFilter
{
    public Task Invoke(IOutgoingGrainCallContext context)
    {
        // What goes to a client, a ProxyHost's Orleans among them, must not teach it the mark.
        if (context.TargetId.IsClient())
        {
            SiloCallSecret.Unmark();
        }
        else
        {
            secret.Mark();
        }

        return context.Invoke();
    }
}
