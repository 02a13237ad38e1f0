using Grpc.Core;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.V1;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Session;

/// <summary>Reports to the ProxyHost what was added since the last report that arrived; a report that fails is made up for by the next.</summary>
internal sealed partial class Reporter(
    WorkloadIdentity identity, ProxyHostClient proxyHosts, EdgeBook edges, TimeSpan interval, TimeProvider clock, ILogger<Reporter> logger)
{
    private const int MaxEdges = 64;

    private readonly Dictionary<EdgeKey, EdgeSnapshot> _reported = [];

    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            await Task.Delay(interval, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (identity.IsReady)
            {
                await ReportAsync(stopping);
            }
        }
    }

    private async Task ReportAsync(CancellationToken stopping)
    {
        foreach (var batch in Changed().Chunk(MaxEdges))
        {
            try
            {
                var request = new ReportRequest { BundleSequence = identity.Bundles.Bundle.Sequence };
                request.Edges.AddRange(batch.Select(change => Message(change.Key, change.Now, _reported.GetValueOrDefault(change.Key))));
                await proxyHosts.Session().Client.ReportAsync(request, deadline: proxyHosts.Deadline(), cancellationToken: stopping);
                foreach (var (key, now) in batch)
                {
                    _reported[key] = now;
                }
            }
            catch (Exception e) when (e is RpcException or IOException)
            {
                Log.Lost(logger, e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message);
                return;
            }
        }
    }

    private List<(EdgeKey Key, EdgeSnapshot Now)> Changed() =>
        [.. edges.Snapshot().Where(edge => !_reported.TryGetValue(edge.Key, out var last) || last != edge.Now)];

    private static Edge Message(EdgeKey key, EdgeSnapshot now, EdgeSnapshot last) => new()
    {
        Kind = key.Kind,
        Direction = key.Direction,
        PeerId = key.PeerId,
        Service = key.Service,
        Port = (uint)key.Port,
        Tls = key.Tls,
        NoTlsReason = key.NoTlsReason,
        Protocol = key.Protocol,
        ConnectionsOpened = (ulong)(now.Opened - last.Opened),
        ConnectionsOpen = (ulong)now.Open,
        BytesSent = (ulong)(now.FromOpener - last.FromOpener),
        BytesReceived = (ulong)(now.ToOpener - last.ToOpener),
        ConnectionsRefused = (ulong)(now.Refused - last.Refused),
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 5401, Level = LogLevel.Debug, Message = "A report did not arrive: {Reason}")]
        public static partial void Lost(ILogger logger, string reason);
    }
}
