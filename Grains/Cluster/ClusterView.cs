using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Mesh.Grains.Interfaces.Cluster;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace Mesh.Grains.Cluster;

/// <summary>The cluster as this silo sees it now. It asks nobody.</summary>
internal sealed class ClusterView(IClusterMembershipService membership, ISiloMetadataCache metadata)
{
    public ClusterSnapshot Current()
    {
        var silos = new List<SiloAddresses>();
        foreach (var member in membership.CurrentSnapshot.Members.Values)
        {
            if (member.Status == SiloStatus.Active && SiloAddresses.TryRead(metadata.GetSiloMetadata(member.SiloAddress), out var addresses))
            {
                silos.Add(addresses);
            }
        }

        return Snapshot(silos);
    }

    internal static ClusterSnapshot Snapshot(IReadOnlyCollection<SiloAddresses> silos)
    {
        var gateways = silos.Select(silo => silo.Gateway).Distinct().Order(StringComparer.Ordinal).ToImmutableArray();
        var enrollment = silos.Select(silo => silo.Enrollment).Distinct().Order(StringComparer.Ordinal).ToImmutableArray();
        var text = string.Join('\n', gateways.Append("").Concat(enrollment));
        var hash = BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        return new ClusterSnapshot(hash == 0 ? 1 : hash, gateways, enrollment);
    }
}
