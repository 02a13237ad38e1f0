namespace Mesh.Proxy.Native;

/// <summary>Hands certificates and keys to OpenSSL, which keeps copies of its own.</summary>
internal static unsafe class SslCredentials
{
    /// <exception cref="IOException">OpenSSL can't read it.</exception>
    public static void UsePrivateKey(SslContextHandle context, ReadOnlySpan<byte> pkcs8)
    {
        fixed (byte* start = pkcs8)
        {
            var at = start;
            var key = OpenSsl.ReadPrivateKey(0, ref at, pkcs8.Length);
            if (key == 0)
            {
                throw Refused("the private key");
            }

            // The context counts the key by itself.
            var taken = OpenSsl.UsePrivateKey(context, key);
            OpenSsl.FreeKey(key);
            if (taken != OpenSsl.Ok)
            {
                throw Refused("the private key");
            }
        }
    }

    /// <summary>A certificate that is sent after the leaf.</summary>
    /// <exception cref="IOException">OpenSSL can't read it.</exception>
    public static void AddToChain(SslContextHandle context, ReadOnlySpan<byte> der)
    {
        fixed (byte* start = der)
        {
            var at = start;
            var certificate = OpenSsl.ReadCertificate(0, ref at, der.Length);
            if (certificate == 0)
            {
                throw Refused("a certificate of the chain");
            }

            // The context owns it from here on, unless it refuses it.
            if (OpenSsl.ControlContext(context, OpenSsl.ControlExtraChainCertificate, 0, certificate) != OpenSsl.Ok)
            {
                OpenSsl.FreeCertificate(certificate);
                throw Refused("a certificate of the chain");
            }
        }
    }

    /// <summary>What OpenSSL says against something that it was given.</summary>
    public static IOException Refused(string what) => new($"OpenSSL does not take {what}: {SslBridge.TakeError().Reason ?? "it does not say why"}.");
}
