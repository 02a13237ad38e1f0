namespace Mesh.EndToEnd.Tests.Support;

/// <summary>When a call that starts now has taken too long, as gRPC wants it.</summary>
internal static class Deadline
{
    public static DateTime In(TimeSpan limit) => (TimeProvider.System.GetUtcNow() + limit).UtcDateTime;
}
