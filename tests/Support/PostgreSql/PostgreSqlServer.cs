using System.Diagnostics;
using System.Globalization;
using Mesh.Tests.Processes;
using Npgsql;

namespace Mesh.Tests.PostgreSql;

/// <summary>A PostgreSQL server of the tests' own, in a temporary folder, reached over loopback with a password.</summary>
internal sealed class PostgreSqlServer : IAsyncDisposable
{
    public const string Password = "not-a-secret-but-must-not-be-logged";

    private readonly string _binaries;
    private readonly string _folder;
    private readonly int _port;
    private int _databases;

    private PostgreSqlServer(string binaries, string folder, int port) => (_binaries, _folder, _port) = (binaries, folder, port);

    /// <summary>Where the server's programs are; null where it is not installed.</summary>
    public static string? Binaries { get; } = new[] { "/usr/lib/postgresql", "/usr/pgsql" }
        .Where(Directory.Exists)
        .SelectMany(root => Directory.GetDirectories(root))
        .Select(version => Path.Combine(version, "bin"))
        .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")));

    /// <summary>Skips the test by name where PostgreSQL is not installed.</summary>
    public static void SkipIfMissing() => Assert.SkipWhen(
        Binaries is null, "PostgreSQL is not installed here. Install it with: apt-get install postgresql");

    public static async Task<PostgreSqlServer> StartAsync()
    {
        var folder = await RunAs.CreateFolderAsync("mesh-pg-");
        var server = new PostgreSqlServer(Binaries!, folder, FreePorts.Next());
        try
        {
            var passwordFile = Path.Combine(folder, "password");
            await RunAs.RunAsync("sh", "-c", $"umask 077; echo {Password} > {passwordFile}");
            await server.RunAsync(
                "initdb", "-D", server.Data, "-U", "mesh", "--auth=scram-sha-256", $"--pwfile={passwordFile}", "--no-sync", "--no-locale", "-E", "UTF8");
            await server.StartServerAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs the server that was stopped.</summary>
    public Task StartServerAsync() => RunAsync(
        "pg_ctl", "start", "-w", "-s", "-D", Data, "-l", Path.Combine(_folder, "log"), "-o",
        string.Create(CultureInfo.InvariantCulture, $"-F -h 127.0.0.1 -p {_port} -k {_folder} -c max_connections=200"));

    /// <summary>As a crash would: connections break, and the server recovers when it starts.</summary>
    public Task StopServerAsync() => RunAsync("pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", Data);

    /// <summary>A new, empty database; its connection string.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"mesh_{Interlocked.Increment(ref _databases)}");
        await using var source = NpgsqlDataSource.Create(ConnectionString("postgres"));
        await using var create = source.CreateCommand($"CREATE DATABASE {name}");
        await create.ExecuteNonQueryAsync();
        return ConnectionString(name);
    }

    public async ValueTask DisposeAsync()
    {
        // A test that failed may have left it stopped.
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
        {
            await StopServerAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string Data => Path.Combine(_folder, "data");

    // What pg_ctl leaves behind keeps its output open, so nobody waits for the end of that.
    private async Task RunAsync(string program, params IEnumerable<string> arguments)
    {
        var start = RunAs.StartInfo(Path.Combine(_binaries, program), arguments);
        start.RedirectStandardError = start.RedirectStandardOutput = false;
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} exited with {process.ExitCode}.");
    }

    private string ConnectionString(string database) => string.Create(
        CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=mesh;Password={Password};Database={database}");
}
