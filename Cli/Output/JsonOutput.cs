using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;

namespace Mesh.Cli.Output;

/// <summary>Messages of the admin API as JSON with the proto's own field names.</summary>
internal static class JsonOutput
{
    private static readonly JsonFormatter Formatter = new(
        JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true).WithFormatDefaultValues(true));

    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of(IMessage message) => Indent(Formatter.Format(message));

    public static string Of<T>(IReadOnlyList<T> messages)
        where T : IMessage => Indent($"[{string.Join(",", messages.Select(message => Formatter.Format(message)))}]");

    /// <summary>A message with one more under a name of its own.</summary>
    public static string Of(IMessage message, string name, IMessage added)
    {
        var json = JsonNode.Parse(Formatter.Format(message))!.AsObject();
        json[name] = JsonNode.Parse(Formatter.Format(added));
        return json.ToJsonString(Indented);
    }

    /// <summary>An answer that is JSON already.</summary>
    public static string Of(JsonElement answer) => JsonSerializer.Serialize(answer, Indented);

    /// <summary>On one line, for streams of them.</summary>
    public static string Line(IMessage message) => Formatter.Format(message);

    private static string Indent(string json)
    {
        using var document = JsonDocument.Parse(json);
        return JsonSerializer.Serialize(document.RootElement, Indented);
    }
}
