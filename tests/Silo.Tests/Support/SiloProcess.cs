using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Mesh.Silo.Hosting;
using Mesh.Tests.Processes;

namespace Mesh.Silo.Tests.Support;

/// <summary>A silo in a process of its own, on loopback ports of its own, driven through its REST API.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly HttpClient _client;

    private SiloProcess(Process process, string data, int https)
    {
        _process = process;
        _process.OutputDataReceived += Record;
        _process.ErrorDataReceived += Record;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Data = data;
#pragma warning disable CA5359 // The silo's certificate is its own trust domain's; what these tests check is not who it is.
        _client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
            UseProxy = false,
        })
        {
            BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{https}")),
            Timeout = TimeSpan.FromSeconds(15),
        };
#pragma warning restore CA5359
    }

    public string Data { get; }

    public int ProcessId => _process.Id;

    /// <summary>What it wrote so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <param name="data">The data folder, which may hold key files already.</param>
    /// <param name="connectionFile">Of PostgreSQL.</param>
    public static SiloProcess Start(string data, string name, string connectionFile)
    {
        var ports = Enumerable.Range(0, 4).Select(_ => FreePorts.Next().ToString(CultureInfo.InvariantCulture)).ToArray();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])
        [
            typeof(DataFolder).Assembly.Location,
            $"--Silo:Data={data}", $"--Silo:Name={name}", $"--Silo:TrustDomain={TestStore.TrustDomain}",
            $"--Silo:HttpsListen=127.0.0.1:{ports[0]}", $"--Silo:AdminListen=127.0.0.1:{ports[1]}",
            $"--Silo:SiloPort={ports[2]}", $"--Silo:GatewayPort={ports[3]}", "--Silo:Drain=00:00:01",
            "--Store:Provider=postgresql", $"--Store:ConnectionStringFile={connectionFile}",
        ])
        {
            start.ArgumentList.Add(argument);
        }

        return new SiloProcess(Process.Start(start)!, data, int.Parse(ports[0], CultureInfo.InvariantCulture));
    }

    /// <summary>Waits until it answers an administrator.</summary>
    public async Task<JsonElement> GetTrustDomainAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            Assert.False(_process.HasExited, Output);
            try
            {
                using var request = await RequestAsync(HttpMethod.Get, "/v1/trust-domain");
                using var response = await _client.SendAsync(request, limit.Token);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    return await response.Content.ReadFromJsonAsync<JsonElement>(limit.Token);
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException && !limit.IsCancellationRequested)
            {
                // It does not listen yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
        }
    }

    /// <summary>A trust command: it goes through the one trust-domain grain. The token that it made; null where it was refused.</summary>
    public async Task<string?> TryCreateTokenAsync(CancellationToken cancellationToken)
    {
        using var request = await RequestAsync(HttpMethod.Post, "/v1/proxyhost-tokens");
        request.Content = JsonContent.Create(new { name = "proxyhost-0", lifetime = "3600s" });
        using var response = await _client.SendAsync(request, cancellationToken);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        return response.StatusCode == HttpStatusCode.OK ? answer.GetProperty("token").GetString() : null;
    }

    /// <summary>A change that a grain must store: the answer's status and text.</summary>
    public async Task<(HttpStatusCode Status, string Text)> SetServiceAsync(string name, string address, CancellationToken cancellationToken)
    {
        using var request = await RequestAsync(HttpMethod.Put, $"/v1/services/{name}");
        request.Content = JsonContent.Create(new { endpoints = new[] { new { address } } });
        using var response = await _client.SendAsync(request, cancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => _process.Kill();

    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        _client.Dispose();
    }

    private async Task<HttpRequestMessage> RequestAsync(HttpMethod method, string path)
    {
        var file = Path.Combine(Data, "admin-token");
        var token = File.Exists(file) ? (await File.ReadAllTextAsync(file)).Trim() : "";
        return new HttpRequestMessage(method, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
    }

    private void Record(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }
}
