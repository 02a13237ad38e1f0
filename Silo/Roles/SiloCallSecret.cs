using System.Security.Cryptography;
using System.Text;

namespace Mesh.Silo.Roles;

/// <summary>
/// What marks a call as a silo's own: every silo of a cluster derives it from the key-encryption key, and no ProxyHost has that.
/// Has no loggable form.
/// </summary>
internal sealed class SiloCallSecret(string text)
{
    private readonly byte[] _bytes = Encoding.ASCII.GetBytes(text);

    /// <summary>Puts the mark on calls that are made from here on.</summary>
    public void Mark() => RequestContext.Set(Key, text);

    /// <summary>Takes the mark off calls that are made from here on.</summary>
    public static void Unmark() => RequestContext.Remove(Key);

    /// <summary>Whether the call that is being served carries the mark. Compared in constant time.</summary>
    public bool IsMarked() =>
        RequestContext.Get(Key) is string shown && CryptographicOperations.FixedTimeEquals(_bytes, Encoding.ASCII.GetBytes(shown));

    private const string Key = "mesh.silo";
}
