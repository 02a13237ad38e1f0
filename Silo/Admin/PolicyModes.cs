using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Policies;

namespace Mesh.Silo.Admin;

/// <summary>Linkerd's words for default policies.</summary>
internal static class PolicyModes
{
    private static readonly (DefaultPolicyMode Mode, string Word)[] Words =
    [
        (DefaultPolicyMode.Deny, "deny"),
        (DefaultPolicyMode.ClusterAuthenticated, "cluster-authenticated"),
        (DefaultPolicyMode.AllAuthenticated, "all-authenticated"),
        (DefaultPolicyMode.AllUnauthenticated, "all-unauthenticated"),
    ];

    public static string Word(DefaultPolicyMode mode) => Words.First(pair => pair.Mode == mode).Word;

    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>, listing the words.</exception>
    public static DefaultPolicyMode Parse(string word)
    {
        foreach (var pair in Words)
        {
            if (pair.Word == word)
            {
                return pair.Mode;
            }
        }

        throw new MeshException(
            MeshError.InvalidRequest, $"'{word}' is not a default policy. Write one of: {string.Join(", ", Words.Select(pair => pair.Word))}.");
    }
}
