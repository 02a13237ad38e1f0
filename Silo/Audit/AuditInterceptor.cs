using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Mesh.Silo.Hosting;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Audit;

/// <summary>
/// Puts each call of the admin API that may change something into the audit log: that it was tried, before it takes effect, and
/// what came of it, before it is answered. What can't be written down is not done.
/// </summary>
internal sealed partial class AuditInterceptor(AuditLog log, IOptions<SiloOptions> options, TimeProvider clock, ILogger<AuditInterceptor> logger) : Interceptor
{
    private const int IdBytes = 8;

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        AuditAsync(request, context, () => continuation(request, context));

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        AuditAsync(request, context, async () =>
        {
            await continuation(request, responseStream, context);
            return true;
        });

    // What comes as a stream has no one request; a call of this kind has to bring its own way of being audited.
    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        AuditedCalls.IsAudited(context.Method) ? throw NotAudited(context) : continuation(requestStream, context);

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        AuditedCalls.IsAudited(context.Method) ? throw NotAudited(context) : continuation(requestStream, responseStream, context);

    private async Task<T> AuditAsync<T>(object request, ServerCallContext context, Func<Task<T>> call)
    {
        if (!AuditedCalls.IsAudited(context.Method))
        {
            return await call();
        }

        var record = new Record(
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes)), context.Method.Split('/')[^1], AuditCaller.Of(context.GetHttpContext()));
        WriteAttempt(record, (IMessage)request);
        try
        {
            var result = await call();
            WriteOutcome(record, Status.DefaultSuccess);
            return result;
        }
        catch (Exception e)
        {
            WriteOutcome(record, StatusOf(e));
            throw;
        }
    }

    private static RpcException NotAudited(ServerCallContext context) =>
        new(new Status(StatusCode.Unimplemented, $"{context.Method} cannot be audited, so it is not done."));

    private static Status StatusOf(Exception e) => e switch
    {
        RpcException refusal => refusal.Status,
        OperationCanceledException => new Status(StatusCode.Cancelled, "The caller did not wait for the outcome; it may have taken effect."),
        _ => new Status(StatusCode.Internal, "The silo's log says why."),
    };

    private void WriteAttempt(Record record, IMessage request)
    {
        try
        {
            log.Append(json =>
            {
                json.WriteStartObject();
                json.WriteString("at", clock.GetUtcNow().UtcDateTime);
                json.WriteString("id", record.Id);
                json.WriteString("phase", "attempt");
                json.WriteString("silo", options.Value.Name);
                record.Caller.Write(json);
                json.WriteString("call", record.Call);
                AuditRequest.Write(json, request);
                json.WriteEndObject();
            });
        }
        catch (IOException e)
        {
            Log.Refused(logger, record.Call, e.Message);
            throw new RpcException(new Status(StatusCode.Unavailable, $"{e.Message} Nothing was done. Make room on the silo's disk and try again."));
        }
    }

    private void WriteOutcome(Record record, Status status)
    {
        try
        {
            log.Append(json =>
            {
                json.WriteStartObject();
                json.WriteString("at", clock.GetUtcNow().UtcDateTime);
                json.WriteString("id", record.Id);
                json.WriteString("phase", "outcome");
                json.WriteString("call", record.Call);
                json.WriteString("status", status.StatusCode.ToString());
                if (status.StatusCode != StatusCode.OK)
                {
                    json.WriteString("detail", status.Detail);
                }

                json.WriteEndObject();
            });
        }
        catch (IOException e)
        {
            // It is done, so its answer is given; that it was tried is on record.
            Log.OutcomeLost(logger, record.Call, record.Id, status.StatusCode, e.Message);
        }
    }

    private sealed record Record(string Id, string Call, AuditCaller Caller);

    private static partial class Log
    {
        [LoggerMessage(EventId = 1401, Level = LogLevel.Error, Message = "{Call} was refused: {Reason}")]
        public static partial void Refused(ILogger logger, string call, string reason);

        [LoggerMessage(EventId = 1402, Level = LogLevel.Error, Message = "{Call}, audit id {Id}, came to {Status}, which could not be recorded: {Reason}")]
        public static partial void OutcomeLost(ILogger logger, string call, string id, StatusCode status, string reason);
    }
}
