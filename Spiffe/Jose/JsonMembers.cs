using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>The members of a JSON object that has a name in messages.</summary>
internal readonly struct JsonMembers(JsonElement element, string path)
{
    private const int MaxTimeChars = 40;

    public string Path => path;

    public bool Has(string name) => element.TryGetProperty(name, out _);

    public JsonMembers Object(string name) => StrictJson.Object(Required(name), NameOf(name));

    public string String(string name, int maxChars) => StrictJson.String(Required(name), NameOf(name), maxChars);

    public string? OptionalString(string name, int maxChars) => Has(name) ? String(name, maxChars) : null;

    public KeyHash KeyHash(string name) => StrictJson.KeyHash(Required(name), NameOf(name));

    public byte[] Base64(string name, int maxBytes) => StrictJson.Base64(Required(name), NameOf(name), maxBytes);

    /// <summary>A whole number from 0 to 2⁶³ - 1.</summary>
    public long Number(string name) =>
        Required(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) && number >= 0
            ? number
            : throw new FormatException($"The {NameOf(name)} is no whole number from 0 to {long.MaxValue}.");

    public long? OptionalNumber(string name) => Has(name) ? Number(name) : null;

    /// <summary>With its offset from UTC: a time without one would mean another instant on every machine.</summary>
    public DateTimeOffset Time(string name)
    {
        var text = String(name, MaxTimeChars);
        var isUtc = text.EndsWith('Z') || text.EndsWith("+00:00", StringComparison.Ordinal);
        return isUtc && Required(name).TryGetDateTimeOffset(out var time)
            ? time
            : throw new FormatException($"The {NameOf(name)} is no time in UTC, in ISO 8601.");
    }

    public TrustDomainName TrustDomain(string name) =>
        TrustDomainName.TryParse(String(name, TrustDomainName.MaxLength), out var trustDomain, out var error)
            ? trustDomain
            : throw new FormatException($"The {NameOf(name)} is no trust domain name. {error}");

    public SpiffeId SpiffeId(string name) =>
        Spiffe.SpiffeId.TryParse(String(name, Spiffe.SpiffeId.MaxLength), out var id, out var error)
            ? id
            : throw new FormatException($"The {NameOf(name)} is no SPIFFE ID. {error}");

    public IReadOnlyList<T> Array<T>(string name, int maxItems, Func<JsonElement, string, T> read)
    {
        var array = Required(name);
        if (array.ValueKind is not JsonValueKind.Array)
        {
            throw new FormatException($"The {NameOf(name)} is no array.");
        }

        if (array.GetArrayLength() > maxItems)
        {
            throw new FormatException($"The {NameOf(name)} has {array.GetArrayLength()} items; at most {maxItems} are accepted.");
        }

        var items = new List<T>();
        foreach (var item in array.EnumerateArray())
        {
            items.Add(read(item, $"{NameOf(name)}[{items.Count}]"));
        }

        return items;
    }

    private JsonElement Required(string name) =>
        element.TryGetProperty(name, out var value) ? value : throw new FormatException($"The {path} has no member '{name}'.");

    private string NameOf(string name) => $"'{name}' of the {path}";
}
