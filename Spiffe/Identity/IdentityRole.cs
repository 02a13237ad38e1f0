namespace Mesh.Spiffe;

/// <summary>What a SPIFFE ID of the mesh stands for, read from its path.</summary>
public enum IdentityRole
{
    /// <summary>The trust domain itself: no path.</summary>
    TrustDomain,

    /// <summary>A workload: <c>/ns/NAMESPACE/sa/ACCOUNT</c>.</summary>
    Workload,

    /// <summary>A silo: <c>/mesh/silo/NAME</c>.</summary>
    Silo,

    /// <summary>A ProxyHost: <c>/mesh/proxyhost/NAME</c>.</summary>
    ProxyHost,

    /// <summary>Any other valid path; below <c>/mesh/</c> it still belongs to the control plane.</summary>
    Other,
}
