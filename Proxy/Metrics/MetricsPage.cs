using System.Globalization;
using System.Text;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Native;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Metrics;

/// <summary>The proxy's metrics in the Prometheus text format. Every name is listed in docs/metrics.md.</summary>
internal sealed class MetricsPage(WorkloadIdentity identity, EdgeBook edges, RefusalCounters refusals, CertificateGauges certificates, DateTimeOffset started)
{
    public string Render()
    {
        var page = new StringBuilder();
        // Edges that differ in their protocol alone have the same labels, and a series stands on the page once.
        var seen = edges.Snapshot().Where(edge => edge.Now.Opened > 0)
            .GroupBy(edge => Labels(edge.Key), edge => edge.Now)
            .Select(series => (Labels: series.Key, Now: series.Aggregate((one, other) => one + other)))
            .ToList();
        Family(page, LinkerdNames.TcpOpenTotal, "counter", "Connections opened.", seen.Select(edge => (edge.Labels, edge.Now.Opened)));
        Family(page, LinkerdNames.TcpOpenConnections, "gauge", "Connections open now.", seen.Select(edge => (edge.Labels, edge.Now.Open)));
        Family(
            page, LinkerdNames.TcpCloseTotal, "counter", "Connections closed; errno is empty where both sides were done.",
            seen.SelectMany(edge => new[]
            {
                ($"{edge.Labels},errno=\"\"", edge.Now.Closed - edge.Now.Failed), ($"{edge.Labels},errno=\"ABORTED\"", edge.Now.Failed),
            }));
        Family(
            page, LinkerdNames.TcpReadBytesTotal, "counter", "Application bytes from the side that opened the connection.",
            seen.Select(edge => (edge.Labels, edge.Now.FromOpener)));
        Family(
            page, LinkerdNames.TcpWriteBytesTotal, "counter", "Application bytes to the side that opened the connection.",
            seen.Select(edge => (edge.Labels, edge.Now.ToOpener)));
        Family(
            page, LinkerdNames.RefusedTotal, "counter", "Connections refused, by direction and reason.",
            refusals.Snapshot().Select(refusal => ($"direction=\"{refusal.Direction}\",reason=\"{Escape(refusal.Reason)}\"", refusal.Count)));
        AppendIdentity(page);
        Family<long>(
            page, LinkerdNames.NativeBytes, "gauge", "What native code holds, OpenSSL for the most part; absent where the C library can't say.",
            Allocations.Bytes is { } bytes ? [("", bytes)] : []);
        Family(
            page, LinkerdNames.ProcessStart, "gauge", "When this proxy started, in seconds since 1970.", [("", started.ToUnixTimeSeconds())]);
        return page.ToString();
    }

    private void AppendIdentity(StringBuilder page)
    {
        if (identity.Credential is { } credential)
        {
            Family(
                page, LinkerdNames.CertExpiration, "gauge", "When the certificate in use ends, in seconds since 1970.",
                [("", credential.Svid.NotAfter.ToUnixTimeSeconds())]);
        }

        var held = certificates.Read();
        Family(
            page, LinkerdNames.CertificateExpiration, "gauge", "When a certificate ends, in seconds since 1970.",
            held.Select(certificate => (certificate.Labels, (double)certificate.NotAfter)));
        Family(
            page, LinkerdNames.CertificateLifeLeft, "gauge", "How much of a certificate's validity is left: 1 when issued, 0 when ended.",
            held.Select(certificate => (certificate.Labels, certificate.LifeLeft)));
        Family(page, LinkerdNames.CertRefreshCount, "counter", "Certificates taken into use.", [("", identity.Refreshes)]);
        Family(page, LinkerdNames.BundleSequence, "gauge", "The trust bundle in force.", [("", identity.Bundles.Held?.Bundle.Sequence ?? 0L)]);
        Family<double>(
            page, LinkerdNames.LeaseLeft, "gauge", "What is left of the trust lease; absent where there is none.",
            identity.Lease.Left is { } left ? [("", left.TotalSeconds)] : []);
        Family(page, LinkerdNames.Ready, "gauge", "1 when certificate, bundle and policy are there, and the trust lease holds.", [("", identity.IsReady ? 1 : 0)]);
    }

    private static void Family<T>(StringBuilder page, string name, string type, string help, IEnumerable<(string Labels, T Value)> samples)
        where T : IFormattable
    {
        page.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
        foreach (var (labels, value) in samples)
        {
            page.Append(name).Append(labels.Length == 0 ? "" : $"{{{labels}}}").Append(CultureInfo.InvariantCulture, $" {value}\n");
        }
    }

    private static string Labels(EdgeKey key)
    {
        var inbound = key.Direction == Direction.Inbound;
        var labels = new StringBuilder();
        labels.Append(
            CultureInfo.InvariantCulture,
            $"direction=\"{(inbound ? "inbound" : "outbound")}\",peer=\"{(inbound ? "src" : "dst")}\",target_port=\"{key.Port}\",tls=\"{key.Tls}\"");
        if (key.NoTlsReason.Length > 0)
        {
            labels.Append(CultureInfo.InvariantCulture, $",no_tls_reason=\"{key.NoTlsReason}\"");
        }

        if (key.ServerName.Length > 0)
        {
            labels.Append(CultureInfo.InvariantCulture, $",sni=\"{Escape(key.ServerName)}\"");
        }

        if (key.PeerId.Length > 0)
        {
            labels.Append(CultureInfo.InvariantCulture, $",{(inbound ? "client_id" : "server_id")}=\"{Escape(key.PeerId)}\"");
        }

        if (key.Service.Length > 0)
        {
            labels.Append(CultureInfo.InvariantCulture, $",authority=\"{Escape(key.Service)}\"");
        }

        return labels.Append(CultureInfo.InvariantCulture, $",kind=\"{Kind(key.Kind)}\"").ToString();
    }

    private static string Kind(EdgeKind kind) => kind switch
    {
        EdgeKind.Application => "application",
        EdgeKind.Ingress => "ingress",
        EdgeKind.Probe => "probe",
        EdgeKind.Scrape => "scrape",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    internal static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
