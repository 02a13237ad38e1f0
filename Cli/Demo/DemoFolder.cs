namespace Mesh.Cli.Demo;

/// <summary>Where a demo keeps its data: a folder of the user's, kept, or a fresh one that goes with the demo.</summary>
internal sealed class DemoFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly bool _isTemporary;

    private DemoFolder(string path, bool isTemporary) => (Path, _isTemporary) = (path, isTemporary);

    public string Path { get; }

    public static DemoFolder Open(string? path)
    {
        var folder = path is null
            ? new DemoFolder(Directory.CreateTempSubdirectory("mesh-demo-").FullName, isTemporary: true)
            : new DemoFolder(System.IO.Path.GetFullPath(path), isTemporary: false);
        Directory.CreateDirectory(folder.Path, OwnerOnly);
        Directory.CreateDirectory(System.IO.Path.Combine(folder.Path, "logs"), OwnerOnly);
        return folder;
    }

    public void Dispose()
    {
        if (_isTemporary)
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
