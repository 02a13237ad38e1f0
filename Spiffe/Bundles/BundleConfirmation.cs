using System.Security.Cryptography;
using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>The trust domain's word that a bundle is the one in force at a time, signed with the key that signed the bundle.</summary>
/// <remarks>A bundle says when it was signed, which may be months ago; and whoever passes it on can pass an old one on. This word can't be
/// made by who passes it on, and is of no use later.</remarks>
/// <param name="Sequence">The bundle's sequence.</param>
/// <param name="Digest">SHA-256 of the signed bundle's text, lower-case hex.</param>
/// <param name="ConfirmedAt">When, by the silo's clock; whole seconds.</param>
public sealed record BundleConfirmation(long Sequence, string Digest, DateTimeOffset ConfirmedAt)
{
    /// <summary>The longest text that is read.</summary>
    public const int MaxChars = 1024;

    private const string Type = "mesh-bundle-confirmation+jws";
    private const string Name = "confirmation";

    /// <summary>The word about a bundle.</summary>
    public static BundleConfirmation Of(SignedBundle bundle, DateTimeOffset now) =>
        new(bundle.Bundle.Sequence, BundleAcknowledgement.DigestOf(bundle.Jws), now);

    /// <summary>Signs it, as a compact JWS.</summary>
    /// <exception cref="ArgumentException">The key is not on P-256.</exception>
    public string Sign(ECDsa bundleKey)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteNumber("seq", Sequence);
            writer.WriteString("digest", Digest);
            writer.WriteNumber("iat", ConfirmedAt.ToUnixTimeSeconds());
            writer.WriteEndObject();
        }

        return CompactJws.Sign(Type, stream.ToArray(), bundleKey);
    }

    /// <summary>Reads one that must be about the bundle that is held, by the key that signed that.</summary>
    /// <param name="jws">At most <see cref="MaxChars"/> characters.</param>
    /// <param name="held">The bundle in force at the reader.</param>
    /// <param name="now">The reader's time.</param>
    /// <exception cref="FormatException">It is none, by another key, about another bundle, or of the future.</exception>
    public static BundleConfirmation Verify(string jws, SignedBundle held, DateTimeOffset now)
    {
        var message = CompactJws.Parse(jws, MaxChars);
        if (message.Algorithm != CompactJws.Es256 || message.Type != Type || !message.Verify(held.SignerPublicKey))
        {
            throw new FormatException($"The {Name} is not signed with {CompactJws.Es256} by the key that signed the bundle which is held.");
        }

        using var document = StrictJson.Parse(message.Payload.Span, Name);
        var members = StrictJson.Object(document.RootElement, Name);
        var read = new BundleConfirmation(
            members.Number("seq"), members.String("digest", 64), DateTimeOffset.FromUnixTimeSeconds(Math.Min(members.Number("iat"), 253_402_300_799)));
        if (read.Sequence != held.Bundle.Sequence || read.Digest != BundleAcknowledgement.DigestOf(held.Jws))
        {
            throw new FormatException($"The {Name} is about the bundle of sequence {read.Sequence}, and {held.Bundle.Sequence} is held.");
        }

        return read.ConfirmedAt <= now + SignedBundle.MaxAhead
            ? read
            : throw new FormatException($"The {Name} is of {Describe.Time(read.ConfirmedAt)}, and here it is {Describe.Time(now)}: compare the clocks.");
    }
}
