using System.ComponentModel.DataAnnotations;
using System.Data.Common;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Storage;

/// <summary>Configuration section <c>Store</c>: where a silo keeps grain state, issuance records, sealed keys, reminders and membership.</summary>
public sealed class StoreOptions
{
    /// <summary>The kind of store.</summary>
    /// <value>
    /// <c>sqlite</c>, the default: one file in the data folder, one silo. <c>postgresql</c>: a server, and any number of silos.
    /// </value>
    public StoreProvider Provider { get; set; } = StoreProvider.Sqlite;

    /// <summary>The file that holds the connection string of the PostgreSQL database, one line.</summary>
    /// <value>A path; the file's mode is 0600. The way to give a password.</value>
    public string? ConnectionStringFile { get; set; }

    /// <summary>The connection string itself, where it holds no password: a command line can be read by everybody on the machine.</summary>
    /// <value>Npgsql's form, for example <c>Host=/run/postgresql;Username=mesh;Database=mesh</c>.</value>
    public string? ConnectionString { get; set; }

    /// <summary>How long a connection or a statement may take before the store counts as not answering.</summary>
    /// <value>Default 5 seconds; 1 second to 1 minute.</value>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections that this silo holds to PostgreSQL at the most.</summary>
    /// <value>Default 20; 4 to 1,000. Stay below the server's <c>max_connections</c> with all silos together.</value>
    [Range(4, 1000)]
    public int MaxConnections { get; set; } = 20;

    /// <summary>The connection string, from wherever it is.</summary>
    /// <exception cref="InvalidDataException">The file is missing, empty, or open to others than its owner.</exception>
    internal string ReadConnectionString()
    {
        if (ConnectionStringFile is not { } path)
        {
            return ConnectionString ?? "";
        }

        if (!File.Exists(path))
        {
            throw new InvalidDataException($"Store:ConnectionStringFile {path} does not exist.");
        }

        if ((File.GetUnixFileMode(path) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)) != 0)
        {
            throw new InvalidDataException($"Store:ConnectionStringFile {path} is open to others than its owner. Run: chmod 600 {path}");
        }

        return File.ReadAllText(path).Trim() is { Length: > 0 } text
            ? text
            : throw new InvalidDataException($"Store:ConnectionStringFile {path} is empty.");
    }
}

/// <summary>The kinds of store.</summary>
public enum StoreProvider
{
    /// <summary>One file in the data folder.</summary>
    Sqlite,

    /// <summary>A PostgreSQL database, shared by the silos of a cluster.</summary>
    PostgreSql,
}

/// <summary>Compile-time validator for <see cref="StoreOptions"/>.</summary>
[OptionsValidator]
internal sealed partial class StoreOptionsValidator : IValidateOptions<StoreOptions>;

/// <summary>What attributes can't say of <see cref="StoreOptions"/>.</summary>
internal sealed class StoreConnectionValidator : IValidateOptions<StoreOptions>
{
    public ValidateOptionsResult Validate(string? name, StoreOptions options)
    {
        var given = (options.ConnectionString is null ? 0 : 1) + (options.ConnectionStringFile is null ? 0 : 1);
        return (options.Provider, given) switch
        {
            (StoreProvider.Sqlite, > 0) => ValidateOptionsResult.Fail(
                "Store:Provider is sqlite, which takes no connection string: its file is in Silo:Data. Or set Store:Provider to postgresql."),
            (StoreProvider.PostgreSql, not 1) => ValidateOptionsResult.Fail(
                "Store:Provider postgresql needs Store:ConnectionStringFile or Store:ConnectionString, one of the two."),
            _ when options.ConnectionString is { } text && HoldsPassword(text) => ValidateOptionsResult.Fail(
                "Store:ConnectionString holds a password. Put it in a file of mode 0600 and name that in Store:ConnectionStringFile."),
            _ => ValidateOptionsResult.Success,
        };
    }

    private static bool HoldsPassword(string connectionString)
    {
        try
        {
            var parts = new DbConnectionStringBuilder { ConnectionString = connectionString };
            return parts.ContainsKey("Password") || parts.ContainsKey("PSW") || parts.ContainsKey("PWD");
        }
        catch (ArgumentException)
        {
            // Not readable at all: whoever opens the store says so.
            return false;
        }
    }
}
