using Mesh.Silo.Storage;

namespace Mesh.Silo.Tests.Storage;

public class StoreOptionsTests
{
    [Theory]
    [InlineData("Host=db;Username=mesh;Password=x")]
    [InlineData("Host=db;PWD = x")]
    public void A_password_outside_its_file_is_refused_and_not_repeated(string connection)
    {
        var result = new StoreConnectionValidator().Validate(
            null, new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = connection });

        Assert.Contains("ConnectionStringFile", result.FailureMessage, StringComparison.Ordinal);
        Assert.DoesNotContain(connection, result.FailureMessage, StringComparison.Ordinal);
    }

    [Fact]
    public void Postgresql_needs_one_connection_string_and_sqlite_none()
    {
        var validator = new StoreConnectionValidator();

        Assert.True(validator.Validate(null, new StoreOptions()).Succeeded);
        Assert.True(validator.Validate(null, new StoreOptions { ConnectionString = "Host=db" }).Failed);
        Assert.True(validator.Validate(null, new StoreOptions { Provider = StoreProvider.PostgreSql }).Failed);
        Assert.True(validator.Validate(null, new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = "Host=db" }).Succeeded);
        Assert.True(validator.Validate(
            null, new StoreOptions { Provider = StoreProvider.PostgreSql, ConnectionString = "Host=db", ConnectionStringFile = "f" }).Failed);
    }

    [Fact]
    public void A_file_that_others_may_read_is_refused()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "Host=db\n");
            var options = new StoreOptions { ConnectionStringFile = file };
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Assert.Equal("Host=db", options.ReadConnectionString());

            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Assert.Contains("chmod 600", Assert.Throws<InvalidDataException>(options.ReadConnectionString).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
