using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Mesh.Silo.Awaiting;

/// <summary>Says of every other call why it can't be answered now.</summary>
internal sealed class AwaitingInterceptor : Interceptor
{
    public const string Reason =
        "The silo waits for its issuers: the anchor's key is elsewhere. Sign what mesh issuer csr prints, and hand it in with mesh issuer install.";

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, Reason));
        }
    }
}
