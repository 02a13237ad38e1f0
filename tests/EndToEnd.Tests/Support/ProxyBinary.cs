using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>The two builds of the proxy: the ordinary one, and the native one where it was published.</summary>
internal static class ProxyBinary
{
    /// <summary>Where <c>dotnet publish Proxy -c Release -o artifacts/publish/proxy-native</c> leaves it.</summary>
    public static string Native => Path.Combine(Programs.Root, "artifacts", "publish", "proxy-native", "Proxy");

    public static TestProcess Start(string name, IEnumerable<string> arguments, bool isNative = false) => isNative
        ? TestProcess.Start(name, Native, arguments)
        : TestProcess.StartDotnet(name, Programs.Assembly("Proxy"), arguments);
}
