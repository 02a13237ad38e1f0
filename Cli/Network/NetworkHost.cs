using System.Globalization;
using System.Net;

namespace Mesh.Cli.Network;

/// <summary>One host of a <see cref="NetworkLab"/>: its namespace, and its addresses there.</summary>
internal sealed record NetworkHost(string Namespace, IPAddress Address, IPAddress Address6)
{
    /// <summary>A command line that runs a program on this host.</summary>
    /// <param name="uid">The user and group that it runs as, or null for root.</param>
    public IReadOnlyList<string> Command(string program, IEnumerable<string> arguments, uint? uid = null) =>
        uid is { } user ? Words(program, arguments, user.ToString(CultureInfo.InvariantCulture)) : ["ip", "netns", "exec", Namespace, program, .. arguments];

    private IReadOnlyList<string> Words(string program, IEnumerable<string> arguments, string user) =>
        ["ip", "netns", "exec", Namespace, "setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--", program, .. arguments];
}
