using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mesh.Cli.Demo;

/// <summary>Whether a port is free and, where it is not, which process has it.</summary>
internal static class PortHolder
{
    private const string Listening = "0A";

    public static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        // As the processes themselves will: connections that are ending are no hindrance, a listener is.
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }

    /// <summary>"NAME (pid N)", or null where the kernel does not tell this user.</summary>
    public static string? Find(int port)
    {
        var inode = File.ReadLines("/proc/net/tcp").Concat(File.Exists("/proc/net/tcp6") ? File.ReadLines("/proc/net/tcp6") : [])
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields is [_, _, _, Listening, ..] && fields[1].EndsWith($":{port:X4}", StringComparison.Ordinal))
            .Select(fields => fields[9])
            .FirstOrDefault();
        return inode is null ? null : Directory.EnumerateDirectories("/proc").Select(process => Holds(process, inode)).FirstOrDefault(found => found is not null);
    }

    private static string? Holds(string process, string inode)
    {
        if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
        {
            return null;
        }

        try
        {
            return Directory.EnumerateFiles($"{process}/fd").Any(file => new FileInfo(file).LinkTarget == $"socket:[{inode}]")
                ? $"{File.ReadAllText($"{process}/comm").Trim()} (pid {pid})"
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended, or it is another user's.
            return null;
        }
    }
}
