using System.Diagnostics.Metrics;
using System.Net;
using Mesh.ProxyHost.Hosting;

namespace Mesh.ProxyHost.Limits;

/// <summary>
/// Counts the connections that Kestrel itself has ended, since it tells nobody else: slow headers, broken frames, too many
/// resets, windows that never open. It says why in the error type of its own metric.
/// </summary>
internal sealed class KestrelRefusals : IHostedService, IDisposable
{
    // A peer that went away or had nothing more to say, this process itself, and handshakes, which the gate counts.
    private static readonly HashSet<string> NoRefusals =
    [
        "connection_reset", "keep_alive_timeout", "aborted_by_app", "app_shutdown_timeout", "io_error", "write_canceled", "tls_handshake_failed",
    ];

    private readonly MeterListener _listener = new();
    private readonly int _port;
    private readonly Refusals _refusals;

    public KestrelRefusals(ProxyHostOptions options, Refusals refusals)
    {
        (_port, _refusals) = (IPEndPoint.Parse(options.Listen).Port, refusals);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Name: "kestrel.connection.duration", Meter.Name: "Microsoft.AspNetCore.Server.Kestrel" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, _, tags, _) => Ended(tags));
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _listener.Dispose();

    private void Ended(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (isOurs, error) = (false, default(string));
        foreach (var (name, value) in tags)
        {
            isOurs |= name == "server.port" && value is int port && port == _port;
            error = name == "error.type" ? value as string : error;
        }

        if (isOurs && error is not null && !NoRefusals.Contains(error))
        {
            // It does not say whose connection it was.
            _refusals.Connection(Word(error), $"a peer ({error})", "The connection was ended by the server.");
        }
    }

    // request_headers_timeout becomes RequestHeadersTimeout. An exception's type has a dot, and one word stands for all of them.
    private static string Word(string error) => error.Contains('.', StringComparison.Ordinal)
        ? "Fault"
        : string.Concat(error.Split('_').Select(part => part.Length == 0 ? "" : char.ToUpperInvariant(part[0]) + part[1..]));
}
