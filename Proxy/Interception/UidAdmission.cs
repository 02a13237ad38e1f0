using Mesh.Proxy.Native;

namespace Mesh.Proxy.Interception;

/// <summary>
/// Which users of this machine may speak through an explicit outbound listener, and so with the workload's identity. Whoever is not known to
/// be one of them may not.
/// </summary>
internal sealed class UidAdmission(NumberRanges uids)
{
    /// <summary>Why the others are refused, in <c>mesh_proxy_refused_total</c>.</summary>
    public const string Reason = "uid";

    /// <summary>The uid that stands for none: <c>(uid_t)-1</c>.</summary>
    private const uint Nobody = uint.MaxValue;

    /// <summary>Those uids, or the proxy's own where none is named.</summary>
    public static UidAdmission For(NumberRanges uids) => new(uids.Ranges.Count > 0 ? uids : NumberRanges.Of(Libc.EffectiveUserId()));

    /// <param name="uid">Whose the client is, or null where that is not known.</param>
    public bool Admits(uint? uid) => uid is { } known && known != Nobody && uids.Contains(known);

    /// <summary>Asks the kernel whose an accepted connection is. Doesn't block.</summary>
    /// <param name="owners">The event loop's own.</param>
    /// <param name="uid">Whose it is, for the log; null where nobody here holds its other end.</param>
    public bool IsAdmitted(int descriptor, SocketOwner owners, out uint? uid) => Admits(uid = owners.OfClient(descriptor));
}
