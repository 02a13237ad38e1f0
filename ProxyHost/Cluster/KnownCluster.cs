using System.Collections.Immutable;
using System.Net;

namespace Mesh.ProxyHost.Cluster;

/// <summary>Where this ProxyHost last heard that the silos are. What it once knew stays until it hears something better than nothing.</summary>
internal sealed class KnownCluster
{
    private volatile Lists _lists = new([], []);

    /// <summary>Where Orleans clients connect.</summary>
    public ImmutableArray<IPEndPoint> Gateways => _lists.Gateways;

    /// <summary>Where ProxyHosts enroll and renew.</summary>
    public ImmutableArray<Uri> EnrollmentAddresses => _lists.EnrollmentAddresses;

    /// <summary>Takes a silo's word for it. An empty list, or one that can't be read, leaves the last good one in force.</summary>
    /// <returns>Whether anything is different now.</returns>
    public bool Use(IEnumerable<string> gateways, IEnumerable<string> enrollmentAddresses)
    {
        var last = _lists;
        ImmutableArray<IPEndPoint> newGateways =
            [.. gateways.Select(text => IPEndPoint.TryParse(text, out var endpoint) ? endpoint : null).OfType<IPEndPoint>()];
        ImmutableArray<Uri> newAddresses =
            [.. enrollmentAddresses.Select(text => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme == "https" ? uri : null).OfType<Uri>()];
        var next = new Lists(
            newGateways.IsEmpty ? last.Gateways : newGateways, newAddresses.IsEmpty ? last.EnrollmentAddresses : newAddresses);
        _lists = next;
        return !next.Gateways.SequenceEqual(last.Gateways) || !next.EnrollmentAddresses.SequenceEqual(last.EnrollmentAddresses);
    }

    private sealed record Lists(ImmutableArray<IPEndPoint> Gateways, ImmutableArray<Uri> EnrollmentAddresses);
}
