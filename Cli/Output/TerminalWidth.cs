using Spectre.Console;

namespace Mesh.Cli.Output;

/// <summary>How wide tables may be. A file or a pipe has no width, and what reads it wants whole identities.</summary>
internal static class TerminalWidth
{
    /// <summary>As good as no limit; longer than any row with two of the longest SPIFFE IDs.</summary>
    public const int Redirected = 5_000;

    public static void Apply(Profile profile, bool isRedirected)
    {
        if (isRedirected)
        {
            profile.Width = Redirected;
        }
    }
}
