namespace Mesh.Grains.Interfaces.Errors;

/// <summary>A refusal that the caller can act on. Faults in the mesh itself use other exception types.</summary>
/// <remarks>Of Orleans' own kind, since Orleans wraps what it does not know, also where a grain's storage refuses.</remarks>
[GenerateSerializer, Alias("mesh.error")]
public sealed class MeshException : OrleansException
{
    /// <summary>Creates a refusal.</summary>
    /// <param name="error">The reason.</param>
    /// <param name="message">One sentence that may be shown to whoever asked: no secret, no internals.</param>
    public MeshException(MeshError error, string message) : base(message) => Error = error;

    /// <summary>The reason; stable across versions, safe to branch on.</summary>
    [Id(0)]
    public MeshError Error { get; }
}
