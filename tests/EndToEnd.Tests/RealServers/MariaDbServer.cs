using System.Net;
using Mesh.Cli.Network;
using Mesh.Tests.Network;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>MariaDB and its client: the server speaks first.</summary>
internal sealed class MariaDbServer() : RealServer("mariadb", 3306, ("mariadbd", "mariadb-server"), ("mariadb", "mariadb-client"))
{
    public override async Task<TestProcess> StartAsync(NetworkHost host, string folder)
    {
        var data = Path.Combine(folder, "mariadb");
        await RunAsync(host, Nobody, "mariadb-install-db", "--no-defaults", $"--datadir={data}", "--skip-test-db", "--auth-root-authentication-method=normal");
        var users = Path.Combine(folder, "users.sql");
        await File.WriteAllTextAsync(users, "CREATE USER mesh IDENTIFIED BY 'secret';\n");
        return host.Start(
            "mariadb", "mariadbd",
            [
                "--no-defaults", $"--datadir={data}", $"--socket={folder}/mariadb.sock", $"--pid-file={folder}/mariadb.pid", "--bind-address=*", $"--init-file={users}",
                "--skip-name-resolve", "--innodb-flush-method=fsync", "--innodb-buffer-pool-size=16M",
            ],
            Nobody);
    }

    public override async Task ConverseAsync(NetworkHost client, IPAddress server, string folder)
    {
        Assert.Equal("42", await SqlAsync("select 6 * 7"));
        Assert.Equal(500_000, (await SqlAsync("select repeat('x', 500000)")).Length);

        Task<string> SqlAsync(string query) => RunAsync(
            client, null, "mariadb", "--no-defaults", $"--host={server}", $"--port={Port}", "--user=mesh", "--password=secret", "--protocol=tcp", "-N", "-B", "-e", query);
    }
}
