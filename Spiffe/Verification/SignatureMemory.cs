using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>Which keys were found to have signed which certificates, on paths that passed every rule.</summary>
/// <remarks>
/// That a signature is good is a fact of certificate and key, which no revocation and no clock changes; whatever those say is judged each
/// time. A new bundle makes every open session be judged anew, and the anchor's signature, on P-384, takes longer than all the rest of a
/// path. Only what the mesh itself has issued comes in here, so no stranger's chain drives it out.
/// </remarks>
internal sealed class SignatureMemory
{
    private const int MaxRemembered = 16_384;

    private readonly HashSet<(KeyHash Certificate, KeyHash Issuer)> _good = [];
    private readonly Lock _lock = new();

    /// <summary>Whether that key is known to have signed that certificate; false: not known.</summary>
    public bool Knows(ParsedCertificate certificate, ParsedCertificate issuer)
    {
        var fact = Fact(certificate, issuer);
        lock (_lock)
        {
            return _good.Contains(fact);
        }
    }

    /// <summary>Remembers the signatures of a path that passed.</summary>
    public void Remember(CertificatePath path)
    {
        for (var i = 0; i + 1 < path.Certificates.Count; i++)
        {
            var fact = Fact(path.Certificates[i], path.Certificates[i + 1]);
            lock (_lock)
            {
                if (_good.Count >= MaxRemembered)
                {
                    _good.Clear();
                }

                _good.Add(fact);
            }
        }
    }

    // The whole certificate with its signature, and the whole key with its curve.
    private static (KeyHash Certificate, KeyHash Issuer) Fact(ParsedCertificate certificate, ParsedCertificate issuer) =>
        (KeyHash.OfDigest(SHA256.HashData(certificate.Der.Span)), issuer.KeyHash);
}
