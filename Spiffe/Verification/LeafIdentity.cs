namespace Mesh.Spiffe;

/// <summary>Reads the one SPIFFE ID of a leaf (X509-SVID §2).</summary>
internal static class LeafIdentity
{
    public static Refusal? Read(ParsedCertificate leaf, out SpiffeId? id)
    {
        id = null;
        var uris = leaf.Extensions.AlternativeNames?.Uris ?? [];
        if (uris.Count != 1)
        {
            return new Refusal(
                SvidRejection.InvalidSpiffeId,
                $"The leaf has {uris.Count} URI names; an X.509-SVID has exactly one, its SPIFFE ID.");
        }

        return SpiffeId.TryParse(uris[0], out id, out var error)
            ? null
            : new Refusal(SvidRejection.InvalidSpiffeId, $"The leaf's URI name {Describe.Text(uris[0])} is no SPIFFE ID. {error}");
    }
}
