namespace Mesh.Spiffe;

/// <summary>The public half of a key that signs join tokens.</summary>
/// <param name="KeyId">The <c>kid</c> that tokens name; at most 128 characters.</param>
/// <param name="SubjectPublicKeyInfo">DER, an EC key on P-256.</param>
public sealed record TokenKey(string KeyId, ReadOnlyMemory<byte> SubjectPublicKeyInfo);
