using System.Runtime.CompilerServices;
using Mesh.Spiffe;

namespace Mesh.Proxy.Transport;

/// <summary>The TLS context of each certificate that is in use, made once.</summary>
/// <param name="offered">The protocols that a client offers, as in RFC 7301 §3.1.</param>
internal sealed class TlsContexts(byte[] offered)
{
    private readonly ConditionalWeakTable<SvidCredential, TlsContext> _contexts = [];

    /// <exception cref="IOException">OpenSSL does not take the certificate.</exception>
    public TlsContext For(SvidCredential credential) => _contexts.GetValue(credential, made => new TlsContext(made, offered));
}
