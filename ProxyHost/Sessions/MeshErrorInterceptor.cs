using Grpc.Core;
using Grpc.Core.Interceptors;
using Mesh.Grains.Interfaces.Errors;
using Mesh.ProxyHost.Limits;

namespace Mesh.ProxyHost.Sessions;

/// <summary>Gives refusals their gRPC status and counts them; of anything else only that it failed leaves the ProxyHost.</summary>
internal sealed partial class MeshErrorInterceptor(Refusals refusals, LogGate gate, ILogger<MeshErrorInterceptor> logger) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(() => continuation(request, context), context);

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(
            async () =>
            {
                await continuation(request, responseStream, context);
                return true;
            },
            context);

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(() => continuation(requestStream, context), context);

    private async Task<T> GuardAsync<T>(Func<Task<T>> call, ServerCallContext context)
    {
        try
        {
            return await call();
        }
        catch (MeshException refusal)
        {
            refusals.Call(refusal.Error.ToString(), context.GetHttpContext(), refusal.Message);
            throw new RpcException(new Status(refusal.Error.ToStatusCode(), refusal.Message));
        }
        catch (Exception e) when (e is TimeoutException or SiloUnavailableException or OrleansException)
        {
            Tell(context, suppressed => Log.SiloSilent(logger, context.Method, e.Message, suppressed));
            throw new RpcException(new Status(StatusCode.Unavailable, "No silo answered. Try again, or at another ProxyHost."));
        }
        catch (Exception fault) when (fault is not (RpcException or OperationCanceledException))
        {
            Tell(context, suppressed => Log.Fault(logger, context.Method, suppressed, fault));
            throw new RpcException(new Status(StatusCode.Internal, "The ProxyHost failed to answer; its log says why."));
        }
    }

    // None of these is a refusal of ours, but any caller can bring many of them about.
    private void Tell(ServerCallContext context, Action<long> write)
    {
        if (gate.Opens($"{context.Method} of {PeerConnection.Of(context.GetHttpContext())?.Name}", out var suppressed))
        {
            write(suppressed);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3302, Level = LogLevel.Warning, Message = "{Method}: no silo answered: {Reason} ({Suppressed} lines about this were left out)")]
        public static partial void SiloSilent(ILogger logger, string method, string reason, long suppressed);

        [LoggerMessage(EventId = 3303, Level = LogLevel.Error, Message = "{Method} failed ({Suppressed} lines about this were left out)")]
        public static partial void Fault(ILogger logger, string method, long suppressed, Exception fault);
    }
}
