using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mesh.Proxy.Interception;

/// <summary>
/// A question to the kernel about one TCP socket, and its answer: <c>SOCK_DIAG_BY_FAMILY</c> with <c>inet_diag_req_v2</c> and
/// <c>inet_diag_msg</c> of <c>&lt;linux/inet_diag.h&gt;</c>.
/// </summary>
internal static class SocketOwnerMessage
{
    public const int RequestBytes = HeaderBytes + 56;

    private const int HeaderBytes = 16;
    private const int AnswerBytes = HeaderBytes + 72;
    private const ushort SockDiagByFamily = 20;
    private const ushort Request = 1;
    private const byte Inet = 2;
    private const byte Inet6 = 10;
    private const byte Tcp = 6;
    private const byte Listen = 10;

    // Of inet_diag_msg, whose first four bytes are family, state, timer and retransmissions.
    private const int StateAt = HeaderBytes + 1;
    private const int LocalPortAt = HeaderBytes + 4;
    private const int RemotePortAt = HeaderBytes + 6;
    private const int UidAt = HeaderBytes + 64;
    private const int InodeAt = HeaderBytes + 68;

    /// <summary>Asks for the socket whose own end is the one address and whose other end is the other.</summary>
    public static void Write(Span<byte> message, uint sequence, IPEndPoint own, IPEndPoint other)
    {
        message.Clear();
        // nlmsghdr: length, type, flags, sequence, port; in the machine's order.
        MemoryMarshal.Write(message, (uint)RequestBytes);
        MemoryMarshal.Write(message[4..], SockDiagByFamily);
        MemoryMarshal.Write(message[6..], Request);
        MemoryMarshal.Write(message[8..], sequence);
        message[HeaderBytes] = own.AddressFamily == AddressFamily.InterNetwork ? Inet : Inet6;
        message[HeaderBytes + 1] = Tcp;
        // Sockets in any state.
        MemoryMarshal.Write(message[(HeaderBytes + 4)..], uint.MaxValue);
        var id = message[(HeaderBytes + 8)..];
        BinaryPrimitives.WriteUInt16BigEndian(id, (ushort)own.Port);
        BinaryPrimitives.WriteUInt16BigEndian(id[2..], (ushort)other.Port);
        own.Address.TryWriteBytes(id[4..], out _);
        other.Address.TryWriteBytes(id[20..], out _);
        // A link-local address is one only together with its interface.
        MemoryMarshal.Write(id[36..], own.AddressFamily == AddressFamily.InterNetworkV6 ? (uint)own.Address.ScopeId : 0);
        // INET_DIAG_NOCOOKIE: whichever socket it is by now.
        id[40..48].Fill(0xff);
    }

    /// <summary>Whether this is the answer to that question, whatever it says.</summary>
    public static bool IsAnswerTo(ReadOnlySpan<byte> message, uint sequence) =>
        message.Length >= HeaderBytes && MemoryMarshal.Read<uint>(message[8..]) == sequence;

    /// <summary>Whether the kernel knows of a socket there, also one that only listens.</summary>
    public static bool IsFound(ReadOnlySpan<byte> message) => message.Length >= AnswerBytes && MemoryMarshal.Read<ushort>(message[4..]) == SockDiagByFamily;

    /// <returns>The uid, or null where nobody is known to hold such a connection.</returns>
    public static uint? ReadUid(ReadOnlySpan<byte> message, IPEndPoint own, IPEndPoint other)
    {
        if (!IsFound(message)
            // Where no connection is there, the kernel answers with whoever listens on the port.
            || message[StateAt] == Listen
            || BinaryPrimitives.ReadUInt16BigEndian(message[LocalPortAt..]) != own.Port
            || BinaryPrimitives.ReadUInt16BigEndian(message[RemotePortAt..]) != other.Port
            // A socket that its process has closed belongs to no file any more, and older kernels then report root as its owner.
            || MemoryMarshal.Read<uint>(message[InodeAt..]) == 0)
        {
            return null;
        }

        return MemoryMarshal.Read<uint>(message[UidAt..]);
    }
}
