using System.Net;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.PostgreSql;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>PostgreSQL, and <c>psql</c>, which asks for TLS first and goes on without.</summary>
internal sealed class PostgresServer() : RealServer("postgres", 5432, ("psql", "postgresql-client"))
{
    public override async Task<TestProcess> StartAsync(NetworkHost host, string folder)
    {
        PostgreSqlServer.SkipIfMissing();
        var data = Path.Combine(folder, "postgres");
        var password = Path.Combine(folder, "password");
        await File.WriteAllTextAsync(password, "secret\n");
        await RunAsync(
            host, Nobody, Path.Combine(PostgreSqlServer.Binaries!, "initdb"), "-D", data, "-U", "mesh", "--auth=scram-sha-256", $"--pwfile={password}",
            "--no-sync", "--no-locale", "-E", "UTF8");
        await File.AppendAllTextAsync(Path.Combine(data, "pg_hba.conf"), "host all all all scram-sha-256\n");
        return host.Start("postgres", Path.Combine(PostgreSqlServer.Binaries!, "postgres"), ["-D", data, "-F", "-h", "*", "-k", folder], Nobody);
    }

    public override async Task ConverseAsync(NetworkHost client, IPAddress server, string folder)
    {
        Assert.Equal("42", await SqlAsync("select 6 * 7"));
        Assert.Equal("500000", await SqlAsync("select length(string_agg(repeat('x', 1000), '')) from generate_series(1, 500)"));
        Assert.Equal(500_000, (await SqlAsync("select repeat('x', 500000)")).Length);

        Task<string> SqlAsync(string query) => RunAsync(client, null, "psql", "-X", "-At", "-c", query, $"postgresql://mesh:secret@{Host(server)}:{Port}/postgres");
    }

    private static string Host(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : $"{address}";
}
