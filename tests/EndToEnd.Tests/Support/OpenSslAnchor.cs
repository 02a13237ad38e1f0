using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>An anchor in openssl's hands, which signs by the profile that the documents have.</summary>
internal sealed class OpenSslAnchor(string folder, string trustDomain)
{
    private static readonly string Profile = Path.Combine(Programs.Root, "docs", "offline-anchor.cnf");

    public string Certificate => File("anchor.pem");

    public string File(string name) => Path.Combine(folder, name);

    /// <summary>Makes key and certificate.</summary>
    public async Task CreateAsync(string section = "anchor")
    {
        await RunAsync("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", File("anchor.key"));
        await RunAsync(
            "req", "-x509", "-new", "-key", File("anchor.key"), "-sha384", "-days", "3650", "-config", Profile, "-extensions", section, "-out", Certificate);
    }

    /// <summary>Puts the key under a passphrase, into sealed.key.</summary>
    public Task SealKeyAsync(string passphrase) =>
        RunAsync("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", File("anchor.key"), "-passout", $"pass:{passphrase}", "-out", File("sealed.key"));

    /// <summary>Signs a request; where the certificate is.</summary>
    public async Task<string> SignAsync(string name, string csr, string section, int days = 90)
    {
        await System.IO.File.WriteAllTextAsync(File($"{name}.csr"), csr);
        await RunAsync(
            "x509", "-req", "-in", File($"{name}.csr"), "-CA", Certificate, "-CAkey", File("anchor.key"), "-sha384", "-days", $"{days}",
            "-extfile", Profile, "-extensions", section, "-out", File($"{name}.pem"));
        return File($"{name}.pem");
    }

    private async Task RunAsync(params string[] arguments)
    {
        await using var openssl = TestProcess.Start("openssl", "openssl", arguments, new Dictionary<string, string> { ["TRUST_DOMAIN"] = trustDomain });
        Assert.True(await openssl.ExitedAsync(TimeSpan.FromSeconds(30)) == 0, openssl.Output);
    }
}
