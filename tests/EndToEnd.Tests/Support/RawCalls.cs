using Grpc.Core;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Calls with any bytes in the place of a message, to any method.</summary>
internal static class RawCalls
{
    public const string Certify = "/mesh.proxy.v1.ProxySession/Certify";
    public const string Watch = "/mesh.proxy.v1.ProxySession/Watch";

    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    /// <summary>The status of a call to <c>/SERVICE/METHOD</c>.</summary>
    public static async Task<Status> StatusAsync(TestProxy proxy, string path, byte[] message)
    {
        var parts = path.Split('/');
        var method = new Method<byte[], byte[]>(MethodType.Unary, parts[1], parts[2], Bytes, Bytes);
        try
        {
            await proxy.Channel.CreateCallInvoker().AsyncUnaryCall(
                method, null, new CallOptions(deadline: (TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(10)).UtcDateTime), message);
            return Status.DefaultSuccess;
        }
        catch (RpcException e)
        {
            return e.Status;
        }
    }
}
