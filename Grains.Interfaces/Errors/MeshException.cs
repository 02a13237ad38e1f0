namespace Mesh.Grains.Interfaces.Errors;

/// <summary>A refusal that the caller can act on. Faults in the mesh itself use other exception types.</summary>
[GenerateSerializer, Alias("mesh.error")]
public sealed class MeshException : Exception
{
    /// <summary>Creates a refusal.</summary>
    /// <param name="error">The reason.</param>
    /// <param name="message">One sentence that may be shown to whoever asked: no secret, no internals.</param>
    public MeshException(MeshError error, string message) : base(message) => Error = error;

    /// <summary>The reason; stable across versions, safe to branch on.</summary>
    [Id(0)]
    public MeshError Error { get; }
}
