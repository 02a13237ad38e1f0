using Mesh.Silo.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Mesh.Silo.Tests.Support;

/// <summary>Orleans' tables as a silo on that store would have them; no silo is started.</summary>
internal sealed class OrleansTables(IHost host) : IDisposable
{
    public IReminderTable Reminders => host.Services.GetRequiredService<IReminderTable>();

    public IMembershipTable Membership => host.Services.GetRequiredService<IMembershipTable>();

    public static OrleansTables On(IStoreDatabase database)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            database.UseForOrleans(silo);
            silo.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = ("east.mesh.example", "mesh-orleans"));
        });
        return new OrleansTables(builder.Build());
    }

    public void Dispose() => host.Dispose();
}
