using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary>NAMESPACE/ACCOUNT, as operators write workloads.</summary>
internal static class WorkloadName
{
    /// <exception cref="CliException">It is something else.</exception>
    public static (string Namespace, string Account) Parse(string text) => text.Split('/') is [{ Length: > 0 } ns, { Length: > 0 } account]
        ? (ns, account)
        : throw new CliException(ExitCodes.Usage, $"'{text}' is not NAMESPACE/ACCOUNT.", "Write for example emojivoto/web.");
}
