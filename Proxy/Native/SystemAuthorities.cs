namespace Mesh.Proxy.Native;

/// <summary>The certificate authorities of this machine, which are none of the mesh's business.</summary>
internal static class SystemAuthorities
{
    /// <summary>
    /// Keeps the platform from reading them. It would, at the first handshake with a ProxyHost, though it is never asked for its opinion: some
    /// hundreds of files, a third of the time that a proxy takes to be ready. Before anything uses TLS.
    /// </summary>
    /// <remarks>The variables are OpenSSL's own, read by native code, which does not see what is set by way of <see cref="Environment"/>.</remarks>
    public static void Forget()
    {
        Errno.Check(Libc.SetEnvironment("SSL_CERT_FILE", "/dev/null", 1), "setenv");
        Errno.Check(Libc.SetEnvironment("SSL_CERT_DIR", "/dev/null", 1), "setenv");
    }
}
