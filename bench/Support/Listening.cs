using System.Globalization;
using System.Net;

namespace Mesh.Bench.Support;

/// <summary>Whether somebody listens, without a connection that would be carried on.</summary>
internal static class Listening
{
    // Linux, Documentation/networking/proc_net_tcp.rst: address and port in hex; 0A is LISTEN.
    public static bool IsAt(IPEndPoint address)
    {
        var local = string.Create(CultureInfo.InvariantCulture, $":{address.Port:X4}");
        return File.ReadLines("/proc/net/tcp").Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Any(words => words[1].EndsWith(local, StringComparison.Ordinal) && words[3] == "0A");
    }
}
