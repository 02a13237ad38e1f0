using System.Net;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Streams;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

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
/// <param name="Port">Mesh: the port that a stream asks for; null where the connection is the stream.</param>
/// <param name="ServerName">Other TLS: the name that it asks for; empty where there is none.</param>
/// <param name="LooksLikeHttp">The first bytes are an HTTP/1 request's.</param>
internal sealed record Arrival(ArrivalKind Kind, EndPoint? Remote, SvidVerification? Client, string? Detail, int? Port, string ServerName, bool LooksLikeHttp);

/// <summary>What becomes of a connection from outside.</summary>
/// <param name="Target">The application; null: refused.</param>
/// <param name="Edge">What it counts for.</param>
/// <param name="Connection">Where open connections are kept, so that they can be ended.</param>
/// <param name="From">The address that the proxy comes to it from; null: whichever the kernel takes.</param>
/// <param name="Refusal">What a stream that is refused is told.</param>
internal sealed record Decision(
    IPEndPoint? Target, EdgeKey Edge, Func<Action, IDisposable>? Connection = null, IPAddress? From = null, RefusalCode Refusal = RefusalCode.Policy);
