using Mesh.Tests.Processes;

namespace Mesh.Bench.Support;

/// <summary>The proxy as it is started: the ordinary build, or the native binary that operators run.</summary>
/// <param name="Binary">The native binary; null: the ordinary build.</param>
internal sealed record ProxyProgram(string? Binary)
{
    public static readonly ProxyProgram Ordinary = new((string?)null);

    /// <summary>The native binary where it is published to.</summary>
    /// <exception cref="FileNotFoundException">It was not published.</exception>
    public static ProxyProgram Native()
    {
        var binary = Path.Combine(Programs.Root, "artifacts", "publish", "proxy-native", "Proxy");
        return File.Exists(binary)
            ? new ProxyProgram(binary)
            : throw new FileNotFoundException(
                $"There is no {binary}. Run: dotnet publish Proxy -c Release -p:PublishAot=true -o artifacts/publish/proxy-native; or measure the ordinary build with --managed.");
    }

    public TestProcess Start(string name, IEnumerable<string> settings, IReadOnlyDictionary<string, string>? environment = null) => Binary is null
        ? TestProcess.StartDotnet(name, Programs.Assembly("Proxy"), settings, environment)
        : TestProcess.Start(name, Binary, settings, environment);
}
