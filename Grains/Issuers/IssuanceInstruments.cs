using System.Diagnostics.Metrics;
using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Grains.Issuers;

/// <summary>What signers did, from zero on. Meter <c>Mesh.Grains</c>; every name is listed in docs/metrics.md.</summary>
internal sealed class IssuanceInstruments
{
    private readonly Counter<long> _issued;
    private readonly Counter<long> _refused;

    public IssuanceInstruments(IMeterFactory meters)
    {
        var meter = meters.Create("Mesh.Grains");
        _issued = meter.CreateCounter<long>("mesh.svid.issued", "{certificate}", "X.509-SVIDs issued, by purpose.");
        _refused = meter.CreateCounter<long>("mesh.svid.refused", "{request}", "Requests for X.509-SVIDs refused, by purpose and error.");
        foreach (var purpose in Enum.GetValues<AuthorityPurpose>())
        {
            CountIssued(0, purpose);
            foreach (var error in Enum.GetValues<MeshError>())
            {
                CountRefused(0, purpose, error);
            }
        }
    }

    public void Issued(AuthorityPurpose purpose) => CountIssued(1, purpose);

    public void Refused(AuthorityPurpose purpose, MeshError error) => CountRefused(1, purpose, error);

    private void CountIssued(long certificates, AuthorityPurpose purpose) =>
        _issued.Add(certificates, new KeyValuePair<string, object?>("purpose", purpose.Word()));

    private void CountRefused(long requests, AuthorityPurpose purpose, MeshError error) =>
        _refused.Add(requests, new("purpose", purpose.Word()), new("error.type", error.ToString()));
}
