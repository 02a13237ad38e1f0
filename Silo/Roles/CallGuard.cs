using Mesh.Grains.Interfaces.Attestation;
using Mesh.Grains.Interfaces.Cluster;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Policies;
using Mesh.Grains.Interfaces.Services;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Interfaces.Workloads;

namespace Mesh.Silo.Roles;

/// <summary>
/// What a ProxyHost may ask of the grains: the workloads that it serves proxies for, their enrollment and renewal, and the feeds. Everything else is between
/// silos, and shows it by a mark that no ProxyHost can make.
/// </summary>
/// <remarks>
/// Orleans believes what a client says of itself, its sender's name included, so the name decides nothing here but for Orleans'
/// own system targets, whose calls pass no filter on their way out. The interface is that of the body, not of the header.
/// </remarks>
internal sealed partial class CallGuard(SiloCallSecret secret, RoleInstruments instruments, ILogger<CallGuard> logger) : IIncomingGrainCallFilter
{
    private static readonly HashSet<Type> OpenToProxyHosts =
    [
        typeof(IWorkloadGrain), typeof(IEnrollmentGrain), typeof(IRenewalGrain), typeof(ITrustFeed), typeof(IPolicyFeed), typeof(IServiceFeed), typeof(IAddressFeed),
        typeof(IClusterFeed),
    ];

    // What an Orleans client needs to be one: the list of grain types, and the way to call a wait off.
    private static readonly HashSet<string> OpenToClients =
        ["Orleans.Runtime.IClusterManifestSystemTarget", "Orleans.Runtime.ISiloManifestSystemTarget", "Orleans.Runtime.IGrainCallCancellationExtension"];

    public Task Invoke(IIncomingGrainCallContext context)
    {
        var type = context.Request.GetInterfaceType();
        if (OpenToProxyHosts.Contains(type) || OpenToClients.Contains(type.FullName!) || IsOfSilos(type, context))
        {
            return context.Invoke();
        }

        instruments.Refused();
        Log.Refused(logger, context.SourceId, type.Name, context.MethodName);
        throw new MeshException(MeshError.NotPermitted, $"{type.Name} is not for clients of the silos.");
    }

    private bool IsOfSilos(Type type, IIncomingGrainCallContext context) => secret.IsMarked()
        || (typeof(ISystemTarget).IsAssignableFrom(type) && !(context.SourceId is { Type: var sender } && sender.IsClient()))
        // A timer of the grain's own, which goes off as a call to itself.
        || (type.FullName == "Orleans.Runtime.IGrainTimerInvoker" && context.SourceId == context.TargetId);

    private static partial class Log
    {
        [LoggerMessage(EventId = 1301, Level = LogLevel.Warning, Message = "Refused {Caller} a call of {Interface}.{Method}")]
        public static partial void Refused(ILogger logger, GrainId? caller, string @interface, string method);
    }
}
