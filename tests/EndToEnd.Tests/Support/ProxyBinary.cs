using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Which build of the proxy runs: the ordinary one, or the native one that MESH_PROXY_BINARY names.</summary>
internal static class ProxyBinary
{
    public static string? Native => Environment.GetEnvironmentVariable("MESH_PROXY_BINARY") is { Length: > 0 } path ? path : null;

    public static TestProcess Start(string name, IEnumerable<string> arguments) => Native is { } native
        ? TestProcess.Start(name, native, arguments)
        : TestProcess.StartDotnet(name, Programs.Assembly("Proxy"), arguments);
}
