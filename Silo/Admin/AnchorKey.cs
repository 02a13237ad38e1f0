using System.Security.Cryptography;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Silo.Admin;

/// <summary>Reads an anchor's private key as an operator hands it over.</summary>
internal static class AnchorKey
{
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: it is none. The message has nothing of it.</exception>
    public static ECDsa Read(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new MeshException(MeshError.InvalidRequest, "That is not one EC private key in PEM, without a passphrase.");
        }
    }
}
