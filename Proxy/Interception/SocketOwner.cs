using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mesh.Proxy.Native;
using Microsoft.Win32.SafeHandles;

namespace Mesh.Proxy.Interception;

/// <summary>Who holds the client's end of a connection from this very machine: the kernel's word, by one exact look-up.</summary>
/// <remarks>
/// Not thread-safe: one for each event loop. It never blocks, since the kernel has answered by the time that the question is sent. No
/// privilege is needed. Clients in another network namespace or on another machine are not found.
/// </remarks>
internal sealed class SocketOwner : IDisposable
{
    private const int AfNetlink = 16;
    private const int NetlinkSockDiag = 4;

    // Answers that nobody has waited for are passed over, and no more of them than this.
    private const int MaxAnswers = 16;

    private readonly SafeFileHandle _netlink;
    private readonly byte[] _request = new byte[SocketOwnerMessage.RequestBytes];
    private readonly byte[] _answer = new byte[8192];
    private uint _sequence;

    private SocketOwner(SafeFileHandle netlink) => _netlink = netlink;

    /// <exception cref="IOException">The kernel does not tell whose a socket is; the message says what is missing.</exception>
    public static SocketOwner Open()
    {
        var descriptor = Libc.Socket(AfNetlink, Libc.SockDatagram | Libc.SockNonBlock | Libc.SockCloseOnExec, NetlinkSockDiag);
        if (descriptor < 0)
        {
            throw new IOException(
                $"The kernel does not open a netlink socket ({Errno.Describe(Marshal.GetLastPInvokeError())}), so nobody can be told whose a connection is. "
                + "Let the sandbox allow AF_NETLINK with NETLINK_SOCK_DIAG.");
        }

        var owner = new SocketOwner(new SafeFileHandle(descriptor, ownsHandle: true));
        try
        {
            owner.EnsureAnswers();
            return owner;
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    /// <summary>The uid of the process that holds the other end of an accepted connection.</summary>
    /// <returns>Null where nobody here holds it: it comes from elsewhere, or its process has closed it already.</returns>
    public uint? OfClient(int descriptor) =>
        KernelAddress.RemoteOf(descriptor) is { } client && KernelAddress.LocalOf(descriptor) is { } server ? Of(client, server) : null;

    /// <summary>The uid of the process that holds the connection from one address to the other, by its end at the first.</summary>
    public uint? Of(IPEndPoint client, IPEndPoint server)
    {
        var answer = Ask(client, server);
        return SocketOwnerMessage.ReadUid(answer, client, server);
    }

    public void Dispose() => _netlink.Dispose();

    // A kernel without tcp_diag answers as for a socket that is not there, and would have every client refused.
    private void EnsureAnswers()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var address = (IPEndPoint)listener.LocalEndPoint!;
        if (!SocketOwnerMessage.IsFound(Ask(address, new IPEndPoint(IPAddress.Loopback, 0))))
        {
            throw new IOException("The kernel does not tell whose a connection is: its modules inet_diag and tcp_diag are missing. modprobe tcp_diag.");
        }
    }

    private ReadOnlySpan<byte> Ask(IPEndPoint own, IPEndPoint other)
    {
        SocketOwnerMessage.Write(_request, ++_sequence, own, other);
        var descriptor = (int)_netlink.DangerousGetHandle();
        if (Libc.Send(descriptor, _request, _request.Length, 0) != _request.Length)
        {
            return [];
        }

        for (var i = 0; i < MaxAnswers; i++)
        {
            var length = (int)Libc.Receive(descriptor, _answer, _answer.Length, 0);
            if (length <= 0)
            {
                return [];
            }

            var answer = _answer.AsSpan(0, length);
            if (SocketOwnerMessage.IsAnswerTo(answer, _sequence))
            {
                return answer;
            }
        }

        return [];
    }
}
