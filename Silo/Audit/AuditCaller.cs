using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Connections.Features;

namespace Mesh.Silo.Audit;

/// <summary>Who asks: the process at the other end of the unix socket, or whoever holds the admin token, and from where.</summary>
/// <param name="By">unix-socket or admin-token.</param>
/// <param name="Uid">The user that the peer's process runs as; null for a token.</param>
/// <param name="Pid">That process; null for a token.</param>
/// <param name="Address">IP:PORT; null for the socket.</param>
internal sealed record AuditCaller(string By, uint? Uid, int? Pid, string? Address)
{
    // getsockopt(2), socket(7): struct ucred is pid, uid, gid.
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const int PeerCredBytes = 12;

    public static AuditCaller Of(HttpContext context)
    {
        var by = context.User.Identity?.Name ?? "nobody";
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket is { AddressFamily: AddressFamily.Unix } socket)
        {
            Span<byte> credentials = stackalloc byte[PeerCredBytes];
            return socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) == PeerCredBytes
                ? new AuditCaller(by, BitConverter.ToUInt32(credentials[4..]), BitConverter.ToInt32(credentials), null)
                : new AuditCaller(by, null, null, null);
        }

        var address = string.Create(CultureInfo.InvariantCulture, $"{context.Connection.RemoteIpAddress}:{context.Connection.RemotePort}");
        return new AuditCaller(by, null, null, address);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("who");
        json.WriteString("by", By);
        if (Uid is { } uid)
        {
            json.WriteNumber("uid", uid);
        }

        if (Pid is { } pid)
        {
            json.WriteNumber("pid", pid);
        }

        if (Address is not null)
        {
            json.WriteString("address", Address);
        }

        json.WriteEndObject();
    }
}
