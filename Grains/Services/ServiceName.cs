using System.Globalization;
using System.Text.RegularExpressions;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Grains.Services;

/// <summary>NAME.NAMESPACE:PORT, the key of a service.</summary>
internal static partial class ServiceName
{
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: it is not such a name.</exception>
    public static void Check(string text)
    {
        if (!Pattern().IsMatch(text) || PortOf(text) is 0 or > 65535)
        {
            throw new MeshException(
                MeshError.InvalidRequest, $"'{Shorten(text)}' is not the name of a service. Write NAME.NAMESPACE:PORT, e.g. voting.emojivoto:8080.");
        }
    }

    /// <summary>The port of a name that was checked.</summary>
    public static int PortOf(string name) => int.Parse(name.AsSpan(name.LastIndexOf(':') + 1), CultureInfo.InvariantCulture);

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "…";

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?:[1-9][0-9]{0,4}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
