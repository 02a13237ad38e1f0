using Mesh.Spiffe;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Mesh.ProxyHost.Limits;

/// <summary>One connection at the proxies' port, from its acceptance to its end, and who is on the other side as far as that is proven.</summary>
internal sealed class PeerConnection(ConnectionContext connection, DateTimeOffset openedAt)
{
    private static readonly object Key = new();

    /// <summary>What its limits count by while it has proven nothing.</summary>
    public string Address { get; } = RemoteAddress.Of(connection.RemoteEndPoint);

    public DateTimeOffset OpenedAt => openedAt;

    /// <summary>Whether the handshake came as far as a verdict, good or bad.</summary>
    public bool IsJudged { get; set; }

    /// <summary>What its certificate proved; null: nothing, and it is good for enrollment alone.</summary>
    public ProvenPeer? Proven { get; set; }

    /// <summary>Watch streams that are open on it; changed by <see cref="Interlocked"/> alone.</summary>
    public ref int Watches => ref _watches;

    /// <summary>What the log and the log gate call it.</summary>
    public string Name => Proven?.Svid.Id.ToString() ?? Address;

    private int _watches;

    /// <summary>The connection of a request; null where it came in at another port.</summary>
    public static PeerConnection? Of(HttpContext http) =>
        http.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(Key, out var peer) == true ? (PeerConnection?)peer : null;

    public static PeerConnection? Of(ConnectionContext connection) =>
        connection.Items.TryGetValue(Key, out var peer) ? (PeerConnection?)peer : null;

    /// <summary>Makes the connection, and the requests on it, known as this peer's.</summary>
    public void Attach() => connection.Items[Key] = this;

    public void Abort(string why) => connection.Abort(new ConnectionAbortedException(why));
}

/// <summary>What a certificate proved, and until when that holds.</summary>
/// <param name="Chain">To judge again when the bundle changes.</param>
/// <param name="Sequence">The bundle that it was judged under.</param>
internal sealed record ProvenPeer(X509Svid Svid, IReadOnlyList<ReadOnlyMemory<byte>> Chain, DateTimeOffset ValidUntil, long Sequence);
