using System.Globalization;

namespace Mesh.Spiffe;

/// <summary>Puts values from outside into messages such that they can't forge a line or flood a log.</summary>
internal static class Describe
{
    private const int MaxLength = 80;

    /// <summary>A printable ASCII character in quotes, anything else by its code.</summary>
    public static string Character(char value) =>
        value is > ' ' and < '\u007f'
            ? $"'{value}'"
            : string.Create(CultureInfo.InvariantCulture, $"the character U+{(int)value:X4}");

    /// <summary>At most 80 characters in quotes; what is not printable ASCII becomes '?'.</summary>
    public static string Text(string value)
    {
        var shown = value.Length <= MaxLength ? value : value[..MaxLength];
        var clean = string.Create(shown.Length, shown, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = source[i] is >= ' ' and < '\u007f' ? source[i] : '?';
            }
        });
        return value.Length <= MaxLength ? $"'{clean}'" : $"'{clean}…'";
    }

    /// <summary>An instant as operators read it: UTC, whole seconds.</summary>
    public static string Time(DateTimeOffset value) =>
        value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
