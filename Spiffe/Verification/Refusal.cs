namespace Mesh.Spiffe;

/// <summary>One broken rule: its kind and a sentence that an operator can act on.</summary>
internal sealed record Refusal(SvidRejection Rejection, string Detail);
