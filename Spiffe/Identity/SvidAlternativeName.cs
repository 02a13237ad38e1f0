using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Spiffe;

/// <summary>Encodes the subject alternative name of leaves, authorities and requests (X509-SVID §2).</summary>
/// <remarks>The platform's builder takes a <see cref="Uri"/>, which writes a trust domain's ID with a slash at its end and
/// takes some trust domain names for addresses; this one writes the ID as it is.</remarks>
public static class SvidAlternativeName
{
    private const int DnsTag = 2;
    private const int UriTag = 6;

    /// <summary>One URI name, the ID, and one DNS name at most.</summary>
    /// <param name="id">The ID.</param>
    /// <param name="dnsName">ASCII, as <see cref="SpiffeId.DnsName"/> has it; null: none.</param>
    /// <param name="critical">Must be true where the subject is empty (RFC 5280 §4.2.1.6).</param>
    public static X509Extension Create(SpiffeId id, string? dnsName = null, bool critical = false)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.IA5String, id.ToString(), new Asn1Tag(TagClass.ContextSpecific, UriTag));
            if (dnsName is not null)
            {
                writer.WriteCharacterString(UniversalTagNumber.IA5String, dnsName, new Asn1Tag(TagClass.ContextSpecific, DnsTag));
            }
        }

        return new X509Extension(Oids.SubjectAlternativeName, writer.Encode(), critical);
    }
}
