namespace Mesh.Tests.Processes;

/// <summary>Programs that some tests need beside the SDK.</summary>
internal static class Tools
{
    /// <summary>Skips the test by name, with the way to install what is missing.</summary>
    public static void Require(string program, string package) => Assert.SkipUnless(
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))),
        $"{program} is not installed. Debian: apt-get install {package}");
}
