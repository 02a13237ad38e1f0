using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Mesh.Cli.Output;
using Mesh.Spiffe;
using AdminClient = Mesh.Admin.V1.Admin.AdminClient;

namespace Mesh.Cli.Admin;

/// <summary>The admin API: over the unix socket of a data folder, or over TLS with a token.</summary>
internal sealed class AdminConnection : IDisposable
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(10);

    private readonly GrpcChannel _channel;
    private readonly string _where;
    private readonly string _hint;
    private readonly Metadata _headers = [];

    private AdminConnection(GrpcChannel channel, string where, string hint)
    {
        (_channel, _where, _hint) = (channel, where, hint);
        Client = new AdminClient(channel);
    }

    private AdminClient Client { get; }

    /// <summary>The control plane whose data folder is on this machine.</summary>
    public static AdminConnection ToFolder(string data)
    {
        var socketPath = Path.Combine(data, "admin.sock");
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return new AdminConnection(
            GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true }),
            socketPath,
            "Is a silo running there? Name its data folder with --data, or another control plane with --server.");
    }

    /// <summary>A control plane elsewhere.</summary>
    /// <param name="server">https://HOST:PORT.</param>
    /// <param name="tokenFile">The admin token.</param>
    /// <param name="bundleFile">The trust bundle, JWKS.</param>
    public static AdminConnection ToServer(Uri server, string tokenFile, string bundleFile)
    {
        TrustBundle bundle;
        string token;
        try
        {
            bundle = TrustBundleJson.Read(File.ReadAllBytes(bundleFile));
            token = File.ReadAllText(tokenFile).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new CliException(ExitCodes.Usage, e.Message, "--token-file names the admin token, --bundle the trust bundle (mesh trust bundle > FILE).");
        }

        var handler = new SocketsHttpHandler();
        // A silo is known by its SPIFFE ID under this bundle; the host name that it was reached by says nothing.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) => SiloCheck.IsSilo(certificate, chain, bundle);
        var connection = new AdminConnection(
            GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true }),
            server.ToString(),
            "Is that a silo's HTTPS address, and is that the newest bundle of its trust domain?");
        connection._headers.Add("authorization", $"Bearer {token}");
        return connection;
    }

    /// <summary>One call; its failures become ends that a person can act on.</summary>
    public Task<T> CallAsync<T>(Func<AdminClient, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            var limit = (TimeProvider.System.GetUtcNow() + CallLimit).UtcDateTime;
            return await call(Client, new CallOptions(_headers, limit, cancellationToken));
        },
        cancellationToken);

    /// <summary>A call whose answer comes in parts and may take its time.</summary>
    public Task ReadAsync<T>(Func<AdminClient, CallOptions, AsyncServerStreamingCall<T>> call, Func<T, Task> take, CancellationToken cancellationToken) =>
        GuardAsync(
            async () =>
            {
                using var parts = call(Client, new CallOptions(_headers, cancellationToken: cancellationToken));
                await foreach (var part in parts.ResponseStream.ReadAllAsync(cancellationToken))
                {
                    await take(part);
                }

                return true;
            },
            cancellationToken);

    private async Task<T> GuardAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call();
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Internal && e.Status.DebugException is not null)
        {
            throw new CliException(ExitCodes.Unreachable, $"No control plane answers at {_where}.", _hint);
        }
        catch (RpcException e)
        {
            throw new CliException(ExitCodes.Refused, $"The control plane has refused: {e.Status.Detail}", NextAfter(e.StatusCode));
        }
    }

    public void Dispose() => _channel.Dispose();

    private static string NextAfter(StatusCode status) => status switch
    {
        StatusCode.Unauthenticated => "Check the token: --token-file names the file admin-token of the silo's data folder.",
        StatusCode.Unavailable => "Try again in a moment.",
        StatusCode.InvalidArgument => "Correct what it names; --help shows examples.",
        _ => "The silo's log says more.",
    };
}
