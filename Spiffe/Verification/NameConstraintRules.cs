namespace Mesh.Spiffe;

/// <summary>Name constraints: each binds every certificate below the authority that carries it (RFC 5280 §4.2.1.10).</summary>
/// <remarks>URI hosts, DNS names, addresses and permitted directory names are compared. A name of any other kind is
/// refused as soon as its kind is constrained at all, since what can't be compared can't be allowed.</remarks>
internal static class NameConstraintRules
{
    // The attribute emailAddress in a subject counts as an e-mail name.
    private static readonly byte[] EmailAttribute = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];

    public static Refusal? Check(CertificatePath path)
    {
        for (var above = 1; above < path.Certificates.Count; above++)
        {
            if (path.Certificates[above].Extensions.NameConstraints is not { } constraints)
            {
                continue;
            }

            for (var below = 0; below < above; below++)
            {
                var certificate = path.Certificates[below];
                if (below > 0 && certificate.IsSelfIssued)
                {
                    continue;
                }

                if (NamesOf(certificate).FirstOrDefault(name => !Allows(constraints, name)) is { } refused)
                {
                    return new Refusal(
                        SvidRejection.NameConstraint,
                        $"{path.Name(certificate)} has the name {Show(refused)}, which the authority {path.Certificates[above].Label} may not issue.");
                }
            }
        }

        return null;
    }

    /// <summary>Whether no constraint of the name's kind stands against it.</summary>
    internal static bool Allows(NameConstraints constraints, GeneralName name)
    {
        var permitted = constraints.Permitted.Where(constraint => constraint.Kind == name.Kind).ToList();
        var excluded = constraints.Excluded.Where(constraint => constraint.Kind == name.Kind).ToList();
        return (permitted.Count == 0 || permitted.Exists(constraint => IsWithin(name, constraint)))
            && !excluded.Exists(constraint => MayBeWithin(name, constraint));
    }

    /// <summary>Surely within the subtree.</summary>
    private static bool IsWithin(GeneralName name, GeneralName constraint) => name.Kind switch
    {
        GeneralNameKind.Uri => HostOf(name) is { } host && IsHostWithin(host, constraint.Text),
        GeneralNameKind.Dns => IsDnsWithin(name.Text, constraint.Text),
        GeneralNameKind.IpAddress => IsAddressWithin(name.Value.Span, constraint.Value.Span),
        GeneralNameKind.Directory => DistinguishedName.StartsWith(name.Value, constraint.Value),
        _ => false,
    };

    /// <summary>Not surely outside the subtree. Directory names may be written in several ways, so none is surely outside.</summary>
    private static bool MayBeWithin(GeneralName name, GeneralName constraint) => name.Kind switch
    {
        GeneralNameKind.Uri => HostOf(name) is not { } host || IsHostWithin(host, constraint.Text),
        GeneralNameKind.Dns => IsDnsWithin(name.Text, constraint.Text) || WildcardCovers(name.Text, constraint.Text),
        GeneralNameKind.IpAddress => IsAddressWithin(name.Value.Span, constraint.Value.Span),
        _ => true,
    };

    /// <summary>The trust domain: the ID is parsed strictly before its host is compared with anything.</summary>
    private static string? HostOf(GeneralName uri) => SpiffeId.TryParse(uri.Text, out var id, out _) ? id.TrustDomain.Name : null;

    /// <summary>With a leading dot any host below it, else that one host.</summary>
    private static bool IsHostWithin(string host, string constraint) =>
        constraint.StartsWith('.')
            ? host.Length > constraint.Length && host.EndsWith(constraint, StringComparison.OrdinalIgnoreCase)
            : string.Equals(host, constraint, StringComparison.OrdinalIgnoreCase);

    /// <summary>The name itself or any name below it; the empty constraint holds every name.</summary>
    private static bool IsDnsWithin(string name, string constraint) =>
        constraint.Length == 0
        || string.Equals(name, constraint, StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("." + constraint, StringComparison.OrdinalIgnoreCase);

    /// <summary><c>*.example</c> stands for <c>a.example</c> too, even where only the latter is excluded.</summary>
    private static bool WildcardCovers(string name, string constraint) =>
        name.StartsWith("*.", StringComparison.Ordinal) && IsDnsWithin(constraint, name[2..]);

    private static bool IsAddressWithin(ReadOnlySpan<byte> address, ReadOnlySpan<byte> network)
    {
        if (network.Length != 2 * address.Length)
        {
            return false;
        }

        for (var i = 0; i < address.Length; i++)
        {
            if (((address[i] ^ network[i]) & network[address.Length + i]) != 0)
            {
                return false;
            }
        }

        return true;
    }

    private static IEnumerable<GeneralName> NamesOf(ParsedCertificate certificate)
    {
        foreach (var name in certificate.Extensions.AlternativeNames?.Names ?? [])
        {
            yield return name;
        }

        if (!certificate.HasEmptySubject)
        {
            yield return new GeneralName(GeneralNameKind.Directory, certificate.Subject);
        }

        if (certificate.Subject.Span.IndexOf(EmailAttribute) >= 0)
        {
            yield return new GeneralName(GeneralNameKind.Email, ReadOnlyMemory<byte>.Empty);
        }
    }

    private static string Show(GeneralName name) =>
        name.Kind is GeneralNameKind.Dns or GeneralNameKind.Uri ? Describe.Text(name.Text) : $"of the kind {name.Kind}";
}
