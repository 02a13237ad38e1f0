using Mesh.Proxy.Discovery;
using Mesh.Proxy.Hosting;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Loops;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Outbound;

/// <summary>From the application to one service, through a listener of its own. Whoever speaks through it speaks with the workload's identity.</summary>
internal sealed partial class OutboundListener(
    OutboundOptions options, ServiceDirectory services, OutboundCarrier carrier, UidAdmission admission, ILogger<OutboundListener> logger) : IDisposable
{
    private readonly PerLoop<SocketOwner> _owners = new(_ => SocketOwner.Open());

    public Task ServeAsync(LoopSocket application) => carrier.ServeAsync(application, (socket, credential) =>
    {
        if (!admission.IsAdmitted(socket.Descriptor, _owners[socket.Loop], out var uid))
        {
            carrier.Refuse(UidAdmission.Reason);
            Log.Stranger(logger, options.Service, uid);
            return new ValueTask<bool>(false);
        }

        return carrier.CarryAsync(
            socket, credential, new ServicePort(options.Service, options.ServicePort), services.Endpoints(options.Service));
    });

    /// <summary>After the loops have ended.</summary>
    public void Dispose()
    {
        foreach (var owner in _owners.Made)
        {
            owner.Dispose();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5804, Level = LogLevel.Warning, Message = "Refused a client of user {Uid}, who may not speak for this workload to {Service}: see Proxy:Outbound:N:Uids")]
        public static partial void Stranger(ILogger logger, string service, uint? uid);
    }
}
