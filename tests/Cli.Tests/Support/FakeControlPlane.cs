using System.Buffers.Binary;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Mesh.Cli.Tests.Support;

/// <summary>An admin API on the unix socket of a data folder, which answers each call as a test tells it.</summary>
internal sealed class FakeControlPlane : IAsyncDisposable
{
    private const int PrefixBytes = 5;

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("mesh-cli-test-");
    private readonly Dictionary<string, IMessage[]> _answers = [];
    private readonly Dictionary<string, byte[]> _asked = [];
    private readonly WebApplication _app;

    private FakeControlPlane()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(
            Path.Combine(_data.FullName, "admin.sock"), listen => listen.Protocols = HttpProtocols.Http2));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>For MESH_DATA.</summary>
    public string Data => _data.FullName;

    /// <summary>Starts one with an answer for each call; what has none is refused with INVALID_ARGUMENT.</summary>
    public static Task<FakeControlPlane> StartAsync(params (string Call, IMessage Answer)[] answers) =>
        StartInPartsAsync([.. answers.Select(answer => (answer.Call, new[] { answer.Answer }))]);

    /// <summary>Likewise, with answers that come in parts.</summary>
    public static async Task<FakeControlPlane> StartInPartsAsync(params (string Call, IMessage[] Parts)[] answers)
    {
        var plane = new FakeControlPlane();
        foreach (var (call, answer) in answers)
        {
            plane._answers[call] = answer;
        }

        await plane._app.StartAsync(TestContext.Current.CancellationToken);
        return plane;
    }

    /// <summary>The last request of a call.</summary>
    public T Asked<T>(string call)
        where T : IMessage<T>, new() => new MessageParser<T>(() => new T()).ParseFrom(_asked[call]);

    public Task<MeshOutcome> RunAsync(params string[] arguments) => MeshProgram.RunAsync(Data, arguments);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var call = context.Request.Path.Value!.Split('/')[^1];
        _asked[call] = body.ToArray()[PrefixBytes..];
        context.Response.ContentType = "application/grpc";
        if (!_answers.TryGetValue(call, out var answer))
        {
            await context.Response.Body.FlushAsync();
            context.Response.AppendTrailer("grpc-status", "3");
            context.Response.AppendTrailer("grpc-message", "web is no workload of this mesh");
            return;
        }

        foreach (var message in answer.Select(part => part.ToByteArray()))
        {
            var prefix = new byte[PrefixBytes];
            BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), message.Length);
            await context.Response.Body.WriteAsync(prefix);
            await context.Response.Body.WriteAsync(message);
        }

        context.Response.AppendTrailer("grpc-status", "0");
    }
}
