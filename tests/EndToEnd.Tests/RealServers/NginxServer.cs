using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>nginx, and <c>curl</c>: HTTP/1.1, several requests on one connection, and a large answer.</summary>
internal sealed class NginxServer() : RealServer("nginx", 8080, ("nginx", "nginx-light"), ("curl", "curl"))
{
    private const int LargeBytes = 16 * 1024 * 1024;

    public override async Task<TestProcess> StartAsync(NetworkHost host, string folder)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "hello"), "hello\n");
        await File.WriteAllBytesAsync(Path.Combine(folder, "large"), RandomNumberGenerator.GetBytes(LargeBytes));
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(
            configuration,
            $$"""
            daemon off; pid {{folder}}/pid; error_log stderr; worker_processes 1;
            events {}
            http {
              access_log off;
              client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi; scgi_temp_path {{folder}}/scgi;
              server { listen {{Port}}; listen [::]:{{Port}}; root {{folder}}; }
            }
            """);
        return host.Start("nginx", "nginx", ["-c", configuration, "-e", "stderr"], Nobody);
    }

    public override async Task ConverseAsync(NetworkHost client, IPAddress server, string folder)
    {
        var address = new UriBuilder("http", server.ToString(), Port).Uri.ToString();
        // Both on one connection, as the last number says: the second had to make none.
        var twice = await RunAsync(client, null, "curl", "-sS", "--fail", "-w", "%{num_connects}\n", $"{address}hello", $"{address}hello");
        Assert.Equal("hello\n1\nhello\n0", twice);
        var large = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"large.{server.AddressFamily}"));
        await RunAsync(client, null, "curl", "-sS", "--fail", "-o", large, $"{address}large");
        Assert.Equal(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, "large"))), SHA256.HashData(await File.ReadAllBytesAsync(large)));
        Assert.Equal("404", await RunAsync(client, null, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", $"{address}nothing"));
    }
}
