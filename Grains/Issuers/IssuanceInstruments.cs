using System.Diagnostics.Metrics;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Grains.Issuers;

/// <summary>What signers did. Meter <c>Mesh.Grains</c>; every name is listed in docs/metrics.md.</summary>
internal sealed class IssuanceInstruments
{
    private readonly Counter<long> _issued;
    private readonly Counter<long> _refused;

    public IssuanceInstruments(IMeterFactory meters)
    {
        var meter = meters.Create("Mesh.Grains");
        _issued = meter.CreateCounter<long>("mesh.svid.issued", "{certificate}", "X.509-SVIDs issued, by purpose.");
        _refused = meter.CreateCounter<long>("mesh.svid.refused", "{request}", "Requests for X.509-SVIDs refused, by purpose and error.");
    }

    public void Issued(AuthorityPurpose purpose) => _issued.Add(1, new KeyValuePair<string, object?>("purpose", purpose.Word()));

    public void Refused(AuthorityPurpose purpose, MeshError error) =>
        _refused.Add(1, new("purpose", purpose.Word()), new("error.type", error.ToString()));
}
