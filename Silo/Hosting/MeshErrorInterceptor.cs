using Grpc.Core;
using Grpc.Core.Interceptors;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Silo.Hosting;

/// <summary>Gives refusals their gRPC status; of anything else only that it failed leaves the silo.</summary>
internal sealed partial class MeshErrorInterceptor(ILogger<MeshErrorInterceptor> logger) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (MeshException refusal)
        {
            throw new RpcException(new Status(StatusOf(refusal.Error), refusal.Message));
        }
        catch (Exception silence) when (silence is TimeoutException or OrleansException)
        {
            Log.SiloSilent(logger, context.Method, silence.Message);
            throw new RpcException(new Status(StatusCode.Unavailable, "Another silo does not answer. Try again in a few seconds."));
        }
        catch (Exception fault) when (fault is not (RpcException or OperationCanceledException))
        {
            Log.Fault(logger, context.Method, fault);
            throw new RpcException(new Status(StatusCode.Internal, "The silo failed to answer; its log says why."));
        }
    }

    private static StatusCode StatusOf(MeshError error) => error switch
    {
        MeshError.InvalidRequest => StatusCode.InvalidArgument,
        MeshError.NotReady or MeshError.Stale => StatusCode.Unavailable,
        MeshError.TokenRejected => StatusCode.Unauthenticated,
        MeshError.NotPermitted or MeshError.Revoked => StatusCode.PermissionDenied,
        MeshError.SupersededKey or MeshError.Conflict => StatusCode.FailedPrecondition,
        MeshError.NotFound => StatusCode.NotFound,
        MeshError.LimitReached => StatusCode.ResourceExhausted,
        _ => StatusCode.Unknown,
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 1102, Level = LogLevel.Warning, Message = "{Method}: another silo did not answer: {Reason}")]
        public static partial void SiloSilent(ILogger logger, string method, string reason);

        [LoggerMessage(EventId = 1101, Level = LogLevel.Error, Message = "{Method} failed")]
        public static partial void Fault(ILogger logger, string method, Exception fault);
    }
}
