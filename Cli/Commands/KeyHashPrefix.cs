using Mesh.Admin.V1;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary>Authorities are named on the command line by the beginning of their key hash.</summary>
internal static class KeyHashPrefix
{
    /// <summary>Digits that must be written at the least.</summary>
    public const int Shortest = 8;

    /// <summary>The one authority whose key hash begins so, be it revoked.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="what">The word for such an authority.</param>
    /// <param name="lister">The command that shows them.</param>
    /// <param name="authorities">Those that there are.</param>
    /// <param name="revocations">Keys that were revoked.</param>
    public static string Resolve(string text, string what, string lister, IEnumerable<Authority> authorities, IEnumerable<Revocation> revocations)
    {
        var known = authorities.Select(authority => authority.KeyHash).Concat(revocations.Select(revocation => revocation.KeyHash)).Distinct();
        var matches = known.Where(hash => hash.StartsWith(text, StringComparison.OrdinalIgnoreCase)).ToList();
        return (text.Length, matches) switch
        {
            ( < Shortest, _) => throw new CliException(
                ExitCodes.Usage, $"'{text}' is too short: write {Shortest} digits of the key hash or more.", $"{lister} shows them."),
            (_, [var one]) => one,
            (_, []) => throw new CliException(ExitCodes.CheckFailed, $"No {what}'s key hash begins with '{text}'.", $"{lister} shows those that there are."),
            _ => throw new CliException(ExitCodes.Usage, $"'{text}' begins the key hashes of {matches.Count} {what}s.", "Write more digits."),
        };
    }
}
