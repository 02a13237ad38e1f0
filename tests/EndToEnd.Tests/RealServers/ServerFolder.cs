using System.Diagnostics;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>A folder for a server that runs as <c>nobody</c>, which goes with the test.</summary>
internal sealed class ServerFolder : IDisposable
{
    public ServerFolder()
    {
        using var chown = Process.Start("chown", ["nobody", Path]);
        chown.WaitForExit();
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("mesh-server-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
