namespace Mesh.Spiffe;

/// <summary>Path length constraints (RFC 5280 §4.2.1.9).</summary>
internal static class PathLengthRules
{
    public static Refusal? Check(CertificatePath path)
    {
        // How many intermediates follow towards the leaf; self-issued ones don't count.
        var following = 0;
        foreach (var authority in path.Authorities)
        {
            if (authority.Extensions.BasicConstraints is { PathLength: { } allowed } && following > allowed)
            {
                return new Refusal(
                    SvidRejection.PathLength,
                    $"{path.Name(authority)} allows {allowed} issuers below it, and {following} follow.");
            }

            if (!authority.IsSelfIssued)
            {
                following++;
            }
        }

        return null;
    }
}
