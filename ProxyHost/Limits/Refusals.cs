using Mesh.ProxyHost.Sessions;

namespace Mesh.ProxyHost.Limits;

/// <summary>Where every refusal is counted, and told in the log at most once a minute for each peer.</summary>
internal sealed partial class Refusals(SessionInstruments instruments, LogGate gate, ILogger<Refusals> logger)
{
    private static readonly object CountedKey = new();

    /// <summary>A connection was refused or ended.</summary>
    public void Connection(string reason, string peer, string detail)
    {
        instruments.Refused(reason);
        if (gate.Opens(peer, out var suppressed))
        {
            Log.Connection(logger, peer, reason, detail, suppressed);
        }
    }

    /// <summary>A call was refused.</summary>
    public void Call(string reason, HttpContext http, string detail)
    {
        http.Items[CountedKey] = true;
        instruments.Refused(reason);
        var peer = PeerConnection.Of(http)?.Name ?? "the probes' port";
        if (gate.Opens(peer, out var suppressed))
        {
            Log.Call(logger, http.Request.Path, peer, reason, detail, suppressed);
        }
    }

    /// <summary>Whether the call was counted, so that nobody counts it twice.</summary>
    public static bool IsCounted(HttpContext http) => http.Items.ContainsKey(CountedKey);

    private static partial class Log
    {
        [LoggerMessage(EventId = 3401, Level = LogLevel.Warning, Message = "Refused a connection of {Peer}: {Reason}: {Detail} ({Suppressed} lines about this peer were left out)")]
        public static partial void Connection(ILogger logger, string peer, string reason, string detail, long suppressed);

        [LoggerMessage(EventId = 3301, Level = LogLevel.Warning, Message = "{Method} of {Peer} refused: {Reason}: {Detail} ({Suppressed} lines about this peer were left out)")]
        public static partial void Call(ILogger logger, string method, string peer, string reason, string detail, long suppressed);
    }
}
