namespace Mesh.Grains.Attestation.Renewal;

/// <summary>The certificate that a renewal shows, as far as it matters; its key has signed the request.</summary>
/// <param name="Hash">SHA-256 of the certificate, hex.</param>
/// <param name="InstanceId">Whom it names; null: nobody.</param>
internal sealed record ShownLeaf(string Hash, string? InstanceId, DateTimeOffset NotBefore, DateTimeOffset NotAfter);
