namespace Mesh.Silo.Storage;

/// <summary>The SQL scripts that the assembly carries.</summary>
internal static class EmbeddedScript
{
    /// <param name="name">Folder and file, as <c>Sqlite.schema.sql</c>.</param>
    public static string Read(string name)
    {
        using var stream = typeof(EmbeddedScript).Assembly.GetManifestResourceStream($"Mesh.Silo.Storage.{name}")
            ?? throw new InvalidOperationException($"The script {name} is missing from the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
