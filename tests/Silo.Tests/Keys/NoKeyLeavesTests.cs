using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Mesh.Grains.Keys;
using Mesh.Silo.Hosting;
using Mesh.Silo.Keys;
using Mesh.Silo.Storage;
using Mesh.Silo.Storage.Sqlite;
using Mesh.Spiffe;
using Mesh.Tests.Processes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mesh.Silo.Tests.Keys;

/// <summary>An authority's private key is in the key store, sealed, and nowhere else.</summary>
public class NoKeyLeavesTests
{
    private static readonly string[] Questions =
        ["/v1/version", "/v1/trust-domain", "/v1/bundle", "/v1/services", "/v1/identities", "/v1/edges"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_authority_key_and_no_key_encryption_key_is_in_any_file_log_grain_state_or_answer()
    {
        using var folder = new TempFolder();
        var data = folder.File("data");
        var (said, answers) = await RunSiloAsync(data);
        var keyFiles = Directory.GetFiles(data, "*.key");
        var secrets = (await LoadEveryKeyAsync(data)).Concat(keyFiles.Select(file => new SecretScan(Convert.FromBase64String(File.ReadAllText(file))))).ToList();

        // Anchor and its standby, two issuers, bundle key, token key; two key-encryption keys.
        Assert.Equal(8, secrets.Count);
        Assert.All(secrets, secret =>
        {
            Assert.Empty(secret.FindIn(said));
            Assert.Empty(secret.FindIn(answers));
            Assert.All(
                Directory.EnumerateFiles(data, "*", SearchOption.AllDirectories).Where(file => !keyFiles.Contains(file) && !file.EndsWith(".sock", StringComparison.Ordinal)),
                file => Assert.Empty(secret.FindIn(File.ReadAllBytes(file))));
        });
        Assert.True(new FileInfo(Path.Combine(data, "mesh.db")).Length > 0);
    }

    [Fact]
    public void The_scan_finds_a_key_in_every_form_that_it_looks_for()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var scan = new SecretScan(key);
        var number = key.ExportParameters(true).D!;

        Assert.NotEmpty(scan.FindIn([1, 2, .. number, 3]));
        Assert.NotEmpty(scan.FindIn($"x{Convert.ToHexString(number)}"));
        Assert.NotEmpty(scan.FindIn(key.ExportPkcs8PrivateKeyPem().ReplaceLineEndings("")));
        Assert.All(Enumerable.Range(0, 3), shift => Assert.NotEmpty(scan.FindIn(Convert.ToBase64String([.. new byte[shift], .. number, 9, 9, 9]))));
        Assert.Empty(scan.FindIn("nothing of it"));
    }

    // Everything that it was asked and has said.
    private static async Task<(string Said, string Answers)> RunSiloAsync(string data)
    {
        var (https, admin) = (FreePorts.NextAddress(), FreePorts.NextAddress());
        await using var silo = TestProcess.StartDotnet("silo", Programs.Assembly("Silo"),
        [
            $"--Silo:Data={data}", $"--Silo:HttpsListen={https}", $"--Silo:AdminListen={admin}", $"--Silo:SiloPort={FreePorts.Next()}", $"--Silo:GatewayPort={FreePorts.Next()}",
        ]);
        using var http = Client();
        await Eventually.TrueAsync(() => AnswersAsync(http, $"http://{admin}/ready"), "the silo is ready");
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(Path.Combine(data, "admin-token")));

        var answers = new StringBuilder();
        foreach (var question in Questions)
        {
            answers.AppendLine(await http.GetStringAsync(new Uri($"https://{https}{question}"), Cancel));
        }

        answers.AppendLine(await PostAsync(http, $"https://{https}/v1/proxyhost-tokens", """{"name":"proxyhost-0"}"""));
        answers.AppendLine(await PostAsync(
            http, $"https://{https}/v1/workload-tokens", """{"namespace":"shop","serviceAccount":"web","addresses":["https://127.0.0.1:1"]}"""));
        answers.AppendLine(await http.GetStringAsync(new Uri($"http://{admin}/metrics"), Cancel));
        Assert.Equal(0, await silo.StopAsync());
        return (silo.Output, answers.ToString());
    }

    private static async Task<IReadOnlyList<SecretScan>> LoadEveryKeyAsync(string data)
    {
        using var folder = DataFolder.Open(data);
        using var keyEncryption = KeyEncryptionKey.LoadOrCreate(folder.KeyEncryptionKey, create: false);
        using var anchorEncryption = KeyEncryptionKey.LoadOrCreate(folder.AnchorEncryptionKey, create: false);
        await using var database = await SqliteDatabase.OpenAsync(folder.Database, TimeSpan.FromSeconds(5), NullLogger<StoreFaults>.Instance);
        var keys = new SealedKeyStore(database, TrustDomainName.Parse("mesh.example"), keyEncryption, anchorEncryption);
        var rows = await database.ReadAsync(
            store => store.QueryAsync("SELECT key_hash, key_use FROM authority_key;", row => (Hash: KeyHash.Parse(row.GetString(0)), Use: (KeyUse)row.GetInt32(1))), Cancel);
        var scans = new List<SecretScan>();
        foreach (var (hash, use) in rows)
        {
            using var key = await keys.LoadAsync(hash, use, Cancel);
            scans.Add(new SecretScan(key!));
        }

        return scans;
    }

    private static async Task<string> PostAsync(HttpClient http, string url, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri(url), content, Cancel);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsStringAsync(Cancel);
    }

    private static async Task<bool> AnswersAsync(HttpClient http, string url)
    {
        try
        {
            return (await http.GetAsync(new Uri(url), Cancel)).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    // Who the silo is, other tests look at.
    private static HttpClient Client()
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        return new HttpClient(handler);
    }
}
