using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Spiffe;

namespace Mesh.Silo.Admin;

/// <summary>Between the admin API's messages about workloads and what grains say.</summary>
internal static class WorkloadMessages
{
    public static Mesh.Grains.Interfaces.Workloads.WorkloadRegistration Read(Mesh.Admin.V1.WorkloadRegistration message) => new(
        message.Namespace,
        message.ServiceAccount,
        message.HasDefaultPolicy ? PolicyModes.Parse(message.DefaultPolicy) : null,
        message.HasDescription ? message.Description : null);

    public static RegistrationResult ToResult(Mesh.Admin.V1.WorkloadRegistration asked, RegistrationOutcome outcome) => new()
    {
        Namespace = asked.Namespace,
        ServiceAccount = asked.ServiceAccount,
        Outcome = outcome.ToString().ToLowerInvariant(),
    };

    public static Workload ToMessage(SpiffeId id, RegisteredWorkload? registered, PolicySnapshot policy, uint liveInstances, BanStatus? ban)
    {
        var message = new Workload
        {
            Namespace = id.Namespace,
            ServiceAccount = id.ServiceAccount,
            SpiffeId = id.ToString(),
            Description = registered?.Description ?? "",
            RegisteredAt = registered?.RegisteredAt.ToTimestamp(),
            DefaultPolicy = PolicyModes.Word(policy.ModeOf(id.ServiceAccount!)),
            LiveInstances = liveInstances,
            Ban = ban is null ? null : ToMessage(ban),
        };
        if (policy.OpaquePortsOf(id.ServiceAccount!) is { } ports)
        {
            message.OpaquePorts = PortList.Format(ports);
        }

        return message;
    }

    public static Ban ToMessage(BanStatus ban) => new()
    {
        SpiffeId = ban.Id.ToString(),
        Reason = ban.Reason,
        BannedAt = ban.BannedAt.ToTimestamp(),
        IssuedBefore = ban.IssuedBefore?.ToTimestamp(),
    };
}
