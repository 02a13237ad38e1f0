using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Identity;

/// <summary>Where a proxy's evidence comes from. It is asked anew at each enrollment.</summary>
internal interface IEnrollmentSource
{
    /// <exception cref="IOException">There is no evidence, or it cannot be read.</exception>
    /// <exception cref="FormatException">What is there is none.</exception>
    /// <exception cref="JoinTokenException">Likewise.</exception>
    EnrollmentTicket Read();

    /// <summary>The mesh does not take what was read last.</summary>
    void Refused();
}

/// <summary>What a proxy needs for one enrollment.</summary>
/// <param name="Id">The identity to ask for.</param>
/// <param name="Anchors">The hashes of the anchors that first contact may trust.</param>
/// <param name="Addresses">Where ProxyHosts are, unless the options say so.</param>
/// <param name="Request">The request over a CSR, with the evidence, which is a secret.</param>
internal sealed record EnrollmentTicket(
    SpiffeId Id, IReadOnlyList<KeyHash> Anchors, IReadOnlyList<Uri> Addresses, Func<byte[], EnrollRequest> Request)
{
    /// <summary>Without the evidence, which must not reach a log.</summary>
    public override string ToString() => $"evidence for {Id}";
}
