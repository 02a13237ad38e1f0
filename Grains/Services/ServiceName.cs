using System.Text.RegularExpressions;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Grains.Services;

/// <summary>NAME.NAMESPACE:PORT, the key of a service.</summary>
internal static partial class ServiceName
{
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: it is not such a name.</exception>
    public static void Check(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success || int.Parse(match.Groups["port"].ValueSpan, provider: null) is 0 or > 65535)
        {
            throw new MeshException(
                MeshError.InvalidRequest, $"'{Shorten(text)}' is not the name of a service. Write NAME.NAMESPACE:PORT, e.g. voting.emojivoto:8080.");
        }
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "…";

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?:(?<port>[1-9][0-9]{0,4})\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
