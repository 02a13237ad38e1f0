using Grpc.Core;
using Mesh.ProxyHost.Hosting;
using Mesh.ProxyHost.Sessions;
using Mesh.Spiffe;
using Microsoft.AspNetCore.Http.Features;

namespace Mesh.ProxyHost.Limits;

/// <summary>
/// What becomes of a request at the proxies' port before its message is read: whether there is such a call, who may make it, and
/// whether it is one too many. Afterwards it counts what gRPC itself has refused.
/// </summary>
internal sealed class CallGate(ProxyHostOptions options, CallRates rates, Refusals refusals, TimeProvider clock)
{
    private const string Session = "/mesh.proxy.v1.ProxySession/";
    private const string Enrollment = "/mesh.proxy.v1.Enrollment/";
    private const string Watch = Session + "Watch";

    private readonly Quota<SpiffeId> _watches = new();

    public async Task RunAsync(HttpContext http, RequestDelegate next)
    {
        if (PeerConnection.Of(http) is not { } peer)
        {
            // The port of the probes, where no call of a proxy is served.
            await next(http);
            return;
        }

        if (Refuse(http, peer) is { } refusal)
        {
            refusals.Call(refusal.Reason, http, refusal.Detail);
            Answer(http, refusal.Status, refusal.Detail);
            return;
        }

        if (http.Request.Path == Watch)
        {
            await WatchAsync(http, peer, next);
        }
        else
        {
            await WithinLimitAsync(http, next);
        }

        CountWhatGrpcRefused(http);
    }

    private (string Reason, StatusCode Status, string Detail)? Refuse(HttpContext http, PeerConnection peer)
    {
        var path = http.Request.Path.Value ?? "";
        if (path.StartsWith(Session, StringComparison.Ordinal))
        {
            if (peer.Proven is not { } proven)
            {
                return (SessionInstruments.NoCertificate, StatusCode.Unauthenticated, "A session needs a client certificate. Enroll first.");
            }

            return rates.TakeCall(proven.Svid.Id) is { } limit
                ? (limit, StatusCode.ResourceExhausted, $"{proven.Svid.Id} calls more often than {options.CallsPerSecond} times a second.")
                : null;
        }

        if (path.StartsWith(Enrollment, StringComparison.Ordinal))
        {
            return rates.TakeEnrollment(peer.Address) is { } limit
                ? (limit, StatusCode.ResourceExhausted, "Too many enroll at once. Try again later.")
                : null;
        }

        return ("UnknownCall", StatusCode.Unimplemented, "Nothing of that name is served here.");
    }

    private async Task WatchAsync(HttpContext http, PeerConnection peer, RequestDelegate next)
    {
        var id = peer.Proven!.Svid.Id;
        if (Interlocked.Increment(ref peer.Watches) > options.MaxWatchesPerConnection)
        {
            Interlocked.Decrement(ref peer.Watches);
            TooManyWatches(http, nameof(options.MaxWatchesPerConnection), $"This connection watches {options.MaxWatchesPerConnection} times already.");
            return;
        }

        try
        {
            if (!_watches.TryTake(id, options.MaxWatchesPerIdentity))
            {
                TooManyWatches(http, nameof(options.MaxWatchesPerIdentity), $"{id} watches {options.MaxWatchesPerIdentity} times already.");
                return;
            }

            try
            {
                await next(http);
            }
            finally
            {
                _watches.Return(id);
            }
        }
        finally
        {
            Interlocked.Decrement(ref peer.Watches);
        }
    }

    private void TooManyWatches(HttpContext http, string limit, string detail)
    {
        refusals.Call(limit, http, detail);
        Answer(http, StatusCode.ResourceExhausted, detail);
    }

    // A call may take as long as a silo may, and as long again for its message to come in and its answer to be read.
    private async Task WithinLimitAsync(HttpContext http, RequestDelegate next)
    {
        using var limit = new CancellationTokenSource(2 * options.CallTimeout, clock);
        using var end = limit.Token.Register(() =>
        {
            refusals.Call(nameof(options.CallTimeout), http, "Its message did not come in, or its answer was not read.");
            http.Abort();
        });
        await next(http);
    }

    // What never reaches a service: a message that is too long or no message, a method that does not exist, another protocol.
    private void CountWhatGrpcRefused(HttpContext http)
    {
        if (Refusals.IsCounted(http) || http.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        var trailers = http.Features.Get<IHttpResponseTrailersFeature>()?.Trailers;
        var status = http.Response.Headers.TryGetValue("grpc-status", out var early) ? early.ToString()
            : trailers is not null && trailers.TryGetValue("grpc-status", out var late) ? late.ToString()
            : http.Response.StatusCode == StatusCodes.Status200OK ? "0" : "";
        var reason = status switch
        {
            "8" => "MessageSize",
            "2" or "13" => "Malformed",
            "12" => "UnknownCall",
            "" => "Protocol",
            _ => null,
        };
        if (reason is not null)
        {
            refusals.Call(reason, http, "What was sent is not a call that is served here.");
        }
    }

    // The whole of an answer in gRPC that holds no message.
    private static void Answer(HttpContext http, StatusCode status, string detail)
    {
        http.Response.ContentType = "application/grpc";
        http.Response.Headers["grpc-status"] = ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture);
        http.Response.Headers["grpc-message"] = Uri.EscapeDataString(detail);
    }
}
