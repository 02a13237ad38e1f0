using Mesh.Grains.TrustDomains;

namespace Mesh.Grains.Commits;

/// <summary>Versions of what is pushed: higher with each change, and higher than any that was handed out before a backup was restored.</summary>
internal static class Versions
{
    /// <summary>The version after one, made now.</summary>
    public static long After(long version, TimeProvider clock) => Math.Max(version + 1, TrustDomainState.FirstSequence(clock.GetUtcNow()));
}
