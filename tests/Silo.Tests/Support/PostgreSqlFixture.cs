using Mesh.Silo.Tests.Support;
using Mesh.Tests.PostgreSql;

[assembly: AssemblyFixture(typeof(PostgreSqlFixture))]

namespace Mesh.Silo.Tests.Support;

/// <summary>One PostgreSQL server for all tests that stop none; each test has a database of its own.</summary>
public sealed class PostgreSqlFixture : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private PostgreSqlServer? _server;

    /// <summary>A new, empty database; its connection string. Where PostgreSQL is missing the test is skipped.</summary>
    internal async Task<string> CreateDatabaseAsync()
    {
        PostgreSqlServer.SkipIfMissing();
        await _gate.WaitAsync();
        try
        {
            _server ??= await PostgreSqlServer.StartAsync();
        }
        finally
        {
            _gate.Release();
        }

        return await _server.CreateDatabaseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _gate.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
