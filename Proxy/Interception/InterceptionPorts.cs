namespace Mesh.Proxy.Interception;

/// <summary>The ports of a proxy, unless it is told others: Linkerd's.</summary>
internal static class InterceptionPorts
{
    public const int Outbound = 4140;
    public const int Inbound = 4143;
    public const int Admin = 4191;
}
