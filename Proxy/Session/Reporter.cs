using Grpc.Core;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Session;

/// <summary>
/// Reports to the ProxyHost which bundle is in force here, at once when that changes, and what was added to edges since the last
/// report that arrived; a report that fails is made up for by the next.
/// </summary>
internal sealed partial class Reporter(
    WorkloadIdentity identity,
    ProxyHostClient proxyHosts,
    EdgeBook edges,
    LiveConnections connections,
    TimeSpan interval,
    TimeProvider clock,
    ILogger<Reporter> logger)
{
    private const int MaxEdges = 64;

    // The control plane keeps what was acknowledged in memory alone; it hears of it again when a silo has restarted.
    private static readonly TimeSpan AcknowledgeAgain = TimeSpan.FromSeconds(30);

    private readonly Dictionary<EdgeKey, EdgeSnapshot> _reported = [];

    private (SignedBundle? Bundle, SvidCredential? Credential, long Closed, string Text) _acknowledgement;
    private string _acknowledged = "";
    private DateTimeOffset _acknowledgedAt;
    private DateTimeOffset _inForceAt;

    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            await WaitAsync(stopping);
            if (identity.IsEquipped && !stopping.IsCancellationRequested)
            {
                await ReportAsync(stopping);
            }
        }
    }

    // Until the next report is due, or a bundle comes.
    private async Task WaitAsync(CancellationToken stopping)
    {
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Wake() => woken.TrySetResult();
        identity.BundleChanged += Wake;
        using var due = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            // One that came while a report was under way has woken nobody.
            if (_acknowledgement.Bundle is null || _acknowledgement.Bundle.Equals(identity.Bundles.Held))
            {
                await Task.WhenAny(Task.Delay(interval, clock, due.Token), woken.Task);
            }
        }
        finally
        {
            identity.BundleChanged -= Wake;
            await due.CancelAsync();
        }
    }

    private async Task ReportAsync(CancellationToken stopping)
    {
        try
        {
            var acknowledgement = Acknowledge();
            var changed = Changed();
            if (changed.Count == 0 && acknowledgement == _acknowledged && clock.GetUtcNow() - _acknowledgedAt < AcknowledgeAgain)
            {
                return;
            }

            foreach (var batch in changed.Chunk(MaxEdges).DefaultIfEmpty([]))
            {
                var request = new ReportRequest { Acknowledgement = acknowledgement };
                request.Edges.AddRange(batch.Select(change => Message(change.Key, change.Now, _reported.GetValueOrDefault(change.Key))));
                await proxyHosts.Session().Client.ReportAsync(request, deadline: proxyHosts.Deadline(), cancellationToken: stopping);
                (_acknowledged, _acknowledgedAt) = (acknowledgement, clock.GetUtcNow());
                foreach (var (key, now) in batch)
                {
                    _reported[key] = now;
                }
            }
        }
        catch (Exception e) when (e is RpcException or IOException)
        {
            Log.Lost(logger, e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message);
        }
    }

    // Signed anew only where there is something else to say.
    private string Acknowledge()
    {
        var (bundle, credential, closed) = (identity.Bundles.Held!, identity.Credential!, connections.Ended);
        if (!bundle.Equals(_acknowledgement.Bundle))
        {
            _inForceAt = clock.GetUtcNow();
        }

        if (!bundle.Equals(_acknowledgement.Bundle) || _acknowledgement.Credential != credential || _acknowledgement.Closed != closed)
        {
            var word = new BundleAcknowledgement(
                credential.Svid.InstanceId ?? "", bundle.Bundle.Sequence, BundleAcknowledgement.DigestOf(bundle.Jws), _inForceAt, closed);
            _acknowledgement = (bundle, credential, closed, word.Sign(credential));
        }

        return _acknowledgement.Text;
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
        Sni = key.ServerName,
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
