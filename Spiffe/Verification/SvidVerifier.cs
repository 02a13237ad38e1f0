namespace Mesh.Spiffe;

/// <summary>Verifies chains against a trust bundle.</summary>
public sealed class SvidVerifier(TimeProvider clock, TimeSpan? skew = null)
{
    /// <summary>Verifies a chain.</summary>
    public SvidVerification Verify(IReadOnlyList<ReadOnlyMemory<byte>> chainDer, TrustBundle bundle, SpiffeId? expected = null) =>
        throw new NotImplementedException($"{clock} {skew}");

    /// <summary>Verifies a chain, expired up to <paramref name="grace"/>.</summary>
    public SvidVerification VerifyIgnoringExpiry(IReadOnlyList<ReadOnlyMemory<byte>> chainDer, TrustBundle bundle, SpiffeId? expected, TimeSpan grace) =>
        throw new NotImplementedException();
}
