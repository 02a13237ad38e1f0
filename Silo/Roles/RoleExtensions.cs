namespace Mesh.Silo.Roles;

/// <summary>Who may call which grains.</summary>
internal static class RoleExtensions
{
    public static void UseRoles(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton<RoleInstruments>();
        silo.AddOutgoingGrainCallFilter<SiloCallMarker>();
        silo.AddIncomingGrainCallFilter<CallGuard>();
    }
}
