using System.Net;
using System.Net.Sockets;
using Mesh.Proxy.Metrics;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

/// <summary>
/// Moves bytes: takes sockets and decisions, gives back outcomes and counters. Payload never crosses this seam, so what is behind
/// it can be replaced.
/// </summary>
internal interface IMeshTransport
{
    /// <summary>Serves a connection from the mesh until it ends: finds out what it is, terminates TLS, asks, forwards.</summary>
    /// <param name="client">Owned by the transport from here on.</param>
    /// <param name="credential">What the workload shows.</param>
    /// <param name="decide">Given who comes and how, where to or why not.</param>
    /// <param name="cancellationToken">Aborts the connection.</param>
    /// <returns>Null after the connection was carried or refused, else why the application was not reached.</returns>
    Task<OpenFailure?> ServeAsync(Socket client, SvidCredential credential, Func<Arrival, Decision> decide, CancellationToken cancellationToken);

    /// <summary>Carries a connection of the application to an endpoint until it ends.</summary>
    /// <param name="application">Owned by the transport once the endpoint was reached; until then the caller's.</param>
    /// <param name="target">Where to, and who must answer there.</param>
    /// <param name="cancellationToken">Aborts the connection.</param>
    /// <returns>Null after the connection was carried, else why the endpoint was not used.</returns>
    Task<OpenFailure?> ForwardAsync(Socket application, OutboundTarget target, CancellationToken cancellationToken);
}

/// <summary>What a connection from outside turned out to be.</summary>
internal enum ArrivalKind
{
    /// <summary>Another proxy of the mesh, with TLS that is for this workload.</summary>
    Mesh,

    /// <summary>TLS that is not ours to terminate.</summary>
    OtherTls,

    /// <summary>Anything else, or nothing before the detection's time was up.</summary>
    Plaintext,
}

/// <summary>Who comes, and how.</summary>
/// <param name="Kind">What it turned out to be.</param>
/// <param name="Remote">The address that it comes from.</param>
/// <param name="Client">Mesh: the verdict over the client's certificate; null where the handshake itself failed.</param>
/// <param name="Detail">Why the handshake failed.</param>
/// <param name="LooksLikeHttp">The first bytes are an HTTP/1 request's.</param>
internal sealed record Arrival(ArrivalKind Kind, EndPoint? Remote, SvidVerification? Client, string? Detail, bool LooksLikeHttp);

/// <summary>What becomes of a connection from outside.</summary>
/// <param name="Target">The application; null: refused.</param>
/// <param name="Edge">Counts it.</param>
/// <param name="Connection">Where open connections are kept, so that they can be ended.</param>
internal sealed record Decision(IPEndPoint? Target, EdgeCounters Edge, Func<Action, IDisposable>? Connection);

/// <summary>An endpoint that a connection of the application is carried to.</summary>
/// <param name="Address">Where.</param>
/// <param name="Credential">What the workload shows there; null: plain TCP.</param>
/// <param name="ServerName">SNI.</param>
/// <param name="Check">Judges the server.</param>
/// <param name="Edge">Counts the connection.</param>
/// <param name="Opened">Called with what ends the connection, once it carries traffic.</param>
internal sealed record OutboundTarget(
    IPEndPoint Address,
    SvidCredential? Credential,
    string ServerName,
    PeerCheck Check,
    EdgeCounters Edge,
    Func<Action, IDisposable> Opened);

/// <summary>Why an endpoint, or the application, was not reached.</summary>
/// <param name="Reason">One of few words, for counters.</param>
/// <param name="Detail">One sentence, for logs.</param>
internal sealed record OpenFailure(string Reason, string Detail);
