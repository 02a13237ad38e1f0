using Orleans.Configuration;

namespace Mesh.Silo.Storage;

/// <summary>Orleans' reminders in the silo's own store.</summary>
internal static class ReminderExtensions
{
    /// <summary>Orleans' ADO.NET reminder table, by our SQL and with our words for faults.</summary>
    public static void UseStoreReminders(this ISiloBuilder silo, StoreFaults faults, Action<AdoNetReminderTableOptions> configure)
    {
        silo.UseAdoNetReminderService(configure);
        var registered = silo.Services.Last(service => service.ServiceType == typeof(IReminderTable));
        silo.Services.Remove(registered);
        silo.Services.AddSingleton<IReminderTable>(services => new GuardedReminderTable(Create(registered, services), faults));
    }

    private static IReminderTable Create(ServiceDescriptor registered, IServiceProvider services) => (IReminderTable)(
        registered.ImplementationInstance
        ?? registered.ImplementationFactory?.Invoke(services)
        ?? ActivatorUtilities.CreateInstance(services, registered.ImplementationType!));
}
