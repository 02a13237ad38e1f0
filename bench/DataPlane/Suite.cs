namespace Mesh.Bench.DataPlane;

/// <summary>Holds every OpenSSL that is started with it to one cipher suite of TLS 1.3.</summary>
internal static class Suite
{
    /// <summary>As OpenSSL and the RFC name them (RFC 8446, appendix B.4).</summary>
    public static readonly string[] Names = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

    /// <summary>The environment of a process that shall use the suite alone; empty for null.</summary>
    /// <param name="suite">One of <see cref="Names"/>.</param>
    /// <param name="file">Where the configuration is written.</param>
    public static IReadOnlyDictionary<string, string> Pin(string? suite, string file)
    {
        if (suite is null)
        {
            return new Dictionary<string, string>();
        }

        File.WriteAllText(file, $"""
            openssl_conf = all
            [all]
            ssl_conf = ssl
            [ssl]
            system_default = suite
            [suite]
            Ciphersuites = {suite}

            """);
        return new Dictionary<string, string> { ["OPENSSL_CONF"] = file };
    }
}
