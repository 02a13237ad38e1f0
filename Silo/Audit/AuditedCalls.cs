namespace Mesh.Silo.Audit;

/// <summary>Which calls of the admin API are audited: every one that does not say by its name that it only reads.</summary>
internal static class AuditedCalls
{
    private const string AdminPackage = "/mesh.admin.";

    private static readonly string[] Reading = ["Get", "List"];

    /// <param name="method">/PACKAGE.SERVICE/METHOD.</param>
    public static bool IsAudited(string method) => method.StartsWith(AdminPackage, StringComparison.Ordinal) && !IsRead(method.Split('/')[^1]);

    /// <param name="name">The method's own name.</param>
    public static bool IsRead(string name) =>
        Array.Exists(Reading, verb => name.StartsWith(verb, StringComparison.Ordinal) && name.Length > verb.Length && char.IsUpper(name[verb.Length]));
}
