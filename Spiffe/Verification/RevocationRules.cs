namespace Mesh.Spiffe;

/// <summary>Revoked keys, anywhere in the path, and banned identities.</summary>
internal static class RevocationRules
{
    public static Refusal? Check(CertificatePath path, SpiffeId id, AuthoritySet authorities)
    {
        foreach (var certificate in path.Certificates)
        {
            if (authorities.RevocationOf(certificate) is { } revocation)
            {
                return new Refusal(
                    SvidRejection.Revoked,
                    $"{path.Name(certificate)} has the key {certificate.KeyHash}, revoked at {Describe.Time(revocation.RevokedAt)}: {Describe.Text(revocation.Reason)}.");
            }
        }

        return authorities.BansOf(id).FirstOrDefault(ban => ban.Refuses(path.Leaf.NotBefore)) is { } refusing
            ? new Refusal(
                SvidRejection.Banned,
                $"{id} is banned: leaves issued before {Describe.Time(refusing.IssuedBefore)} are refused, and this one was issued at {Describe.Time(path.Leaf.NotBefore + SvidProfile.Backdating)}.")
            : null;
    }
}
