using System.Net;
using Mesh.Proxy.Metrics;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

/// <summary>An endpoint that a connection of the application is carried to.</summary>
/// <param name="Address">Where.</param>
/// <param name="Credential">What the workload shows there; null: plain TCP.</param>
/// <param name="Server">Who must answer there; null: plain TCP.</param>
/// <param name="Check">Judges the server.</param>
/// <param name="EdgeOf">Counts the connection, given what the application began with; null: it did not say, or was not looked at.</param>
/// <param name="Opened">Called with the server's chain and what ends the connection, once it carries traffic.</param>
internal sealed record OutboundTarget(
    IPEndPoint Address,
    SvidCredential? Credential,
    SpiffeId? Server,
    PeerCheck Check,
    Func<Detection?, EdgeCounters> EdgeOf,
    Func<IReadOnlyList<ReadOnlyMemory<byte>>, Action, IDisposable?> Opened);

/// <summary>Why an endpoint, or the application, was not reached.</summary>
/// <param name="Reason">One of few words, for counters.</param>
/// <param name="Detail">One sentence, for logs.</param>
internal sealed record OpenFailure(string Reason, string Detail);
