using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Security;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Tests.Support;

/// <summary>A ProxyHost over real TLS and HTTP/2, which answers each call as a test tells it.</summary>
internal sealed class FakeProxyHost : IAsyncDisposable
{
    private const int PrefixBytes = 5;

    private readonly ConcurrentDictionary<string, Func<byte[], Func<IMessage, Task>, CancellationToken, Task>> _answers = new();
    private readonly WebApplication _app;

    private FakeProxyHost(SvidCredential shown)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => new ValueTask<SslServerAuthenticationOptions>(
                    SvidTls.ServerWithoutClientCertificate(shown, [SslApplicationProtocol.Http2])),
            });
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public Uri Address => new(_app.Urls.Single());

    public static async Task<FakeProxyHost> StartAsync(SvidCredential shown)
    {
        var host = new FakeProxyHost(shown);
        await host._app.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    /// <summary>Answers a call once.</summary>
    public void On<TRequest>(string call, Func<TRequest, IMessage> answer)
        where TRequest : IMessage<TRequest>, new() => OnStream<TRequest>(call, (request, send, _) => send(answer(request)));

    /// <summary>Answers a call with as much as the test sends, until it ends.</summary>
    public void OnStream<TRequest>(string call, Func<TRequest, Func<IMessage, Task>, CancellationToken, Task> answer)
        where TRequest : IMessage<TRequest>, new() =>
        _answers[call] = (bytes, send, aborted) => answer(new MessageParser<TRequest>(() => new TRequest()).ParseFrom(bytes), send, aborted);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.FlushAsync();
        var status = "14";
        if (_answers.TryGetValue(context.Request.Path.Value!.Split('/')[^1], out var answer))
        {
            try
            {
                await answer(body.ToArray()[PrefixBytes..], message => SendAsync(context, message), context.RequestAborted);
                status = "0";
            }
            catch (RpcException refusal)
            {
                status = ((int)refusal.StatusCode).ToString(CultureInfo.InvariantCulture);
            }
            catch (OperationCanceledException)
            {
                // The proxy has hung up, or the test lets the call fail.
            }
        }

        context.Response.AppendTrailer("grpc-status", status);
        context.Response.AppendTrailer("grpc-message", "as the test wants it");
    }

    private static async Task SendAsync(HttpContext context, IMessage message)
    {
        var bytes = message.ToByteArray();
        var prefix = new byte[PrefixBytes];
        BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), bytes.Length);
        await context.Response.Body.WriteAsync((byte[])[.. prefix, .. bytes]);
        await context.Response.Body.FlushAsync();
    }
}
