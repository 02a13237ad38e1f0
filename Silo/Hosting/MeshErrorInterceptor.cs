using Grpc.Core;
using Grpc.Core.Interceptors;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Silo.Hosting;

/// <summary>Gives refusals their gRPC status; of anything else only that it failed leaves the silo.</summary>
internal sealed partial class MeshErrorInterceptor(ILogger<MeshErrorInterceptor> logger) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, () => continuation(request, context));

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, async () =>
        {
            await continuation(request, responseStream, context);
            return true;
        });

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(context, () => continuation(requestStream, context));

    private async Task<T> GuardAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (MeshException refusal)
        {
            throw new RpcException(new Status(refusal.Error.ToStatusCode(), refusal.Message));
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

    private static partial class Log
    {
        [LoggerMessage(EventId = 1102, Level = LogLevel.Warning, Message = "{Method}: another silo did not answer: {Reason}")]
        public static partial void SiloSilent(ILogger logger, string method, string reason);

        [LoggerMessage(EventId = 1101, Level = LogLevel.Error, Message = "{Method} failed")]
        public static partial void Fault(ILogger logger, string method, Exception fault);
    }
}
