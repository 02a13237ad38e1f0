namespace Mesh.Proxy.Discovery;

/// <summary>Milliseconds since it was made: what endpoints are judged by, in as few bits as will do.</summary>
internal sealed class EndpointClock(TimeProvider clock)
{
    private readonly long _start = clock.GetTimestamp();

    public long Now => (long)clock.GetElapsedTime(_start).TotalMilliseconds;
}
