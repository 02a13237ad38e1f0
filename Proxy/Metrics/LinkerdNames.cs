namespace Mesh.Proxy.Metrics;

/// <summary>Linkerd's names for what this proxy measures, so that dashboards made for it go on working; and our own for what it has no name for.</summary>
internal static class LinkerdNames
{
    public const string TcpOpenTotal = "tcp_open_total";
    public const string TcpOpenConnections = "tcp_open_connections";
    public const string TcpCloseTotal = "tcp_close_total";
    public const string TcpReadBytesTotal = "tcp_read_bytes_total";
    public const string TcpWriteBytesTotal = "tcp_write_bytes_total";
    public const string CertExpiration = "identity_cert_expiration_timestamp_seconds";
    public const string CertRefreshCount = "identity_cert_refresh_count";
    public const string ProcessStart = "process_start_time_seconds";

    public const string RefusedTotal = "mesh_proxy_refused_total";
    public const string BundleSequence = "mesh_proxy_bundle_sequence";
    public const string CertificateExpiration = "mesh_certificate_expiration_timestamp_seconds";
    public const string CertificateLifeLeft = "mesh_certificate_life_left_ratio";
    public const string LeaseLeft = "mesh_proxy_trust_lease_left_seconds";
    public const string NativeBytes = "mesh_proxy_native_allocated_bytes";
    public const string Ready = "mesh_proxy_ready";
}
