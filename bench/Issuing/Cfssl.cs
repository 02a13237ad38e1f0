using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.Bench.Issuing;

/// <summary><c>cfssl serve</c> with an authority on P-256: it signs whatever request comes, asks nobody for evidence and keeps no record.</summary>
internal sealed class Cfssl : IAsyncDisposable
{
    private const string Program = "/usr/bin/cfssl";
    private const int Requests = 256;

    private readonly TempFolder _folder = new();
    private readonly int _port = FreePorts.Next();
    private readonly List<Line> _lines = [];
    private readonly byte[][] _requests;

    private Cfssl()
    {
        WriteAuthority();
        File.WriteAllText(_folder.File("config.json"), """
            {"signing":{"default":{"expiry":"24h","usages":["digital signature","server auth","client auth"]}}}
            """);
        _requests = [.. Enumerable.Range(0, Requests).Select(i => Request(i))];
        Process = TestProcess.Start("cfssl", Program,
        [
            "serve", "-address", "127.0.0.1", "-port", _port.ToString(System.Globalization.CultureInfo.InvariantCulture), "-loglevel", "3",
            "-ca", _folder.File("ca.pem"), "-ca-key", _folder.File("ca-key.pem"), "-config", _folder.File("config.json"),
        ]);
    }

    public TestProcess Process { get; }

    /// <summary>The server, and so many connections to it.</summary>
    public static async Task<Cfssl> StartAsync(int connections)
    {
        if (!File.Exists(Program))
        {
            throw new FileNotFoundException($"There is no {Program}. Run: apt-get install golang-cfssl");
        }

        var cfssl = new Cfssl();
        try
        {
            await Eventually.TrueAsync(() => cfssl.Process.HasExited ? throw new InvalidOperationException(cfssl.Process.Output) : cfssl.ConnectAsync(), "cfssl answers");
            while (cfssl._lines.Count < connections)
            {
                await cfssl.ConnectAsync();
            }

            return cfssl;
        }
        catch
        {
            await cfssl.DisposeAsync();
            throw;
        }
    }

    /// <summary>One certificate, over the caller's own connection.</summary>
    public Task SignAsync(int caller, int number) => _lines[caller].AskAsync(_requests[number % Requests]);

    public async ValueTask DisposeAsync()
    {
        _lines.ForEach(line => line.Dispose());
        await Process.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<bool> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, _port);
            _lines.Add(new Line(socket));
            return true;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return false;
        }
    }

    private void WriteAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bench", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddMinutes(-1), now.AddDays(30));
        File.WriteAllText(_folder.File("ca.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(_folder.File("ca-key.pem"), key.ExportECPrivateKeyPem());
    }

    // The very request that a proxy sends, as cfssl takes it.
    private static byte[] Request(int number)
    {
        using var pending = new PendingRequest(SpiffeId.Parse($"spiffe://cluster.local/ns/shop/sa/bench-{number}"));
        var body = JsonSerializer.Serialize(new { certificate_request = PemEncoding.WriteString("CERTIFICATE REQUEST", pending.Csr) });
        return Encoding.ASCII.GetBytes(
            $"POST /api/v1/cfssl/sign HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }

    /// <summary>A connection that stays open. Of an answer it reads how long it is and whether it holds a certificate.</summary>
    private sealed class Line(Socket socket) : IDisposable
    {
        private readonly byte[] _buffer = new byte[16 * 1024];

        public async Task AskAsync(byte[] request)
        {
            await socket.SendAsync(request);
            var (received, whole) = (0, int.MaxValue);
            while (received < whole)
            {
                var read = await socket.ReceiveAsync(_buffer.AsMemory(received));
                received += read > 0 ? read : throw new IOException("cfssl ended the connection.");
                if (whole == int.MaxValue && _buffer.AsSpan(0, received).IndexOf("\r\n\r\n"u8) is var end and >= 0)
                {
                    whole = end + 4 + ContentLength(_buffer.AsSpan(0, end));
                }
            }

            if (_buffer.AsSpan(0, received).IndexOf("BEGIN CERTIFICATE"u8) < 0)
            {
                throw new InvalidOperationException($"cfssl did not sign: {Encoding.ASCII.GetString(_buffer, 0, received)}");
            }
        }

        public void Dispose() => socket.Dispose();

        private static int ContentLength(ReadOnlySpan<byte> head)
        {
            var name = "Content-Length: "u8;
            var value = head[(head.IndexOf(name) + name.Length)..];
            return System.Buffers.Text.Utf8Parser.TryParse(value, out int length, out _) ? length : throw new InvalidOperationException("cfssl does not say how long its answer is.");
        }
    }
}
