using System.Text.Json;

namespace Mesh.Spiffe.Tests;

/// <summary>One case of x509-limbo.</summary>
internal sealed record LimboCase(
    string Id,
    bool Success,
    IReadOnlyList<ParsedText> Anchors,
    IReadOnlyList<ParsedText> Intermediates,
    ParsedText Leaf,
    DateTimeOffset? Time)
{
    /// <summary>When the cases that name no time were made.</summary>
    private static readonly DateTimeOffset Made = new(2023, 12, 2, 0, 0, 0, TimeSpan.Zero);

    public static IReadOnlyDictionary<string, LimboCase> All { get; } = Load();

    /// <summary>RFC 5280 alone: the layer below SPIFFE's rules for leaves, without any allowance for clocks.</summary>
    public Refusal? Validate()
    {
        try
        {
            var chain = CertificateParser.ParseChain([Leaf.Der, .. Intermediates.Select(pem => pem.Der)]);
            var anchors = Anchors.Select(pem => CertificateParser.Parse(pem.Der)).ToList();
            var validity = new ValidityRules(Time ?? Made, TimeSpan.Zero, TimeSpan.Zero);
            return PathBuilder.Find(chain, anchors, path => PathRules.Check(path) ?? validity.Check(path)).Refusal;
        }
        catch (FormatException exception)
        {
            return new Refusal(SvidRejection.Malformed, exception.Message);
        }
    }

    private static Dictionary<string, LimboCase> Load()
    {
        if (VectorFiles.Folder is null)
        {
            return [];
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(VectorFiles.Folder, "limbo-2023-12-02.json")));
        return document.RootElement.GetProperty("testcases").EnumerateArray().Select(Read).ToDictionary(limbo => limbo.Id);
    }

    private static LimboCase Read(JsonElement element) => new(
        element.GetProperty("id").GetString()!,
        element.GetProperty("expected_result").GetString() == "SUCCESS",
        Texts(element, "trusted_certs"),
        Texts(element, "untrusted_intermediates"),
        new ParsedText(element.GetProperty("peer_certificate").GetString()!),
        element.GetProperty("validation_time") is { ValueKind: JsonValueKind.String } time ? time.GetDateTimeOffset() : null);

    private static List<ParsedText> Texts(JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(text => new ParsedText(text.GetString()!))];
}

/// <summary>One certificate in PEM.</summary>
internal sealed record ParsedText(string Pem)
{
    public ReadOnlyMemory<byte> Der => VectorFiles.Pem(Pem)[0];
}
