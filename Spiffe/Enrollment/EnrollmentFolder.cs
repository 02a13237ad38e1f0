namespace Mesh.Spiffe;

/// <summary>What a proxy or ProxyHost keeps over a restart: the last accepted bundle, which is public, and a one-time token. Never a key.</summary>
/// <remarks>Both files are replaced whole: a crash leaves the old one or the new one.</remarks>
public sealed class EnrollmentFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _bundle;
    private readonly string _token;

    /// <summary>Creates the folder, mode 0700, where it is missing.</summary>
    public EnrollmentFolder(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        _bundle = Path.Combine(path, "bundle.jws");
        _token = Path.Combine(path, "reenrollment-token");
    }

    /// <summary>The last accepted bundle; null where there is none or it can't be read any more.</summary>
    /// <remarks>It was verified when it was stored; whoever can write here can also replace the program.</remarks>
    public SignedBundle? ReadBundle()
    {
        try
        {
            return File.Exists(_bundle) ? SignedBundle.Parse(File.ReadAllText(_bundle)) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Keeps a bundle that was accepted.</summary>
    public void WriteBundle(SignedBundle bundle) => Replace(_bundle, bundle.Jws);

    /// <summary>The token for the next enrollment: the kept one, else the one in the file that the operator gave.</summary>
    /// <exception cref="IOException">There is neither.</exception>
    public string ReadToken(string tokenFile) => File.ReadAllText(File.Exists(_token) ? _token : tokenFile).Trim();

    /// <summary>Keeps the token for the next start, mode 0600.</summary>
    public void WriteToken(string token) => Replace(_token, token);

    /// <summary>Gives up a kept token that the mesh does not take any more, so that the operator's is tried.</summary>
    public void ForgetToken() => File.Delete(_token);

    private static void Replace(string path, string content)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        using (var file = new FileStream(
            fresh, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(content));
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
    }
}
