using Npgsql;

namespace Mesh.Silo.Storage.PostgreSql;

/// <summary>Which of PostgreSQL's errors mean that the store does not answer (PostgreSQL, appendix A: error codes).</summary>
internal static class PostgreSqlFaults
{
    private const string Refused = "The store does not answer: it refuses the silo's login. The silo's log says why.";

    /// <summary>The sentence for a caller; null where the fault is the silo's own.</summary>
    public static string? Explain(Exception fault) => fault switch
    {
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => StoreFaults.Full,
        PostgresException server => ExplainClass(server.SqlState),
        // Without the server's own word it is the connection: refused, broken, timed out, none left in the pool.
        NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException => StoreFaults.Silent,
        _ => null,
    };

    /// <summary>Whether the server rolled a transaction back because of another one: serialization failure, deadlock.</summary>
    public static bool IsUndone(PostgresException fault) =>
        fault.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    // 08 connection, 25 read-only (a standby), 40 rolled back, 53 resources, 55 not available, 57 operator, 58 system, XX internal.
    private static string? ExplainClass(string sqlState) => sqlState[..2] switch
    {
        "08" or "25" or "40" or "53" or "55" or "57" or "58" or "XX" => StoreFaults.Silent,
        "28" or "3D" => Refused,
        _ => null,
    };
}
