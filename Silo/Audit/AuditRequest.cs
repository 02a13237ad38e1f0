using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Mesh.Silo.Audit;

/// <summary>A request as the audit log shows it: the proto's own names, without anything that is a secret.</summary>
internal static class AuditRequest
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    // A field that is a secret says so in the proto (debug_redact), or at least by its name.
    private static readonly string[] SecretNames = ["token", "secret", "password", "private", "passphrase"];

    public static void Write(Utf8JsonWriter json, IMessage request)
    {
        var shown = Clone(request);
        Redact(shown);
        json.WritePropertyName("request");
        json.WriteRawValue(Formatter.Format(shown));
    }

    internal static bool IsSecret(FieldDescriptor field) =>
        field.GetOptions()?.DebugRedact == true
        || (field.Name != "page_token" && SecretNames.Any(word => field.Name.Contains(word, StringComparison.OrdinalIgnoreCase)));

    private static IMessage Clone(IMessage message) => message.Descriptor.Parser.ParseFrom(message.ToByteString());

    private static void Redact(IMessage message)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (IsSecret(field))
            {
                field.Accessor.Clear(message);
            }
            else if (field is { FieldType: FieldType.Message, IsMap: false })
            {
                var value = field.Accessor.GetValue(message);
                foreach (var inner in field.IsRepeated ? ((System.Collections.IEnumerable)value).Cast<IMessage>() : value is IMessage one ? [one] : [])
                {
                    Redact(inner);
                }
            }
        }
    }
}
