namespace Mesh.Spiffe.Tests;

/// <summary>Assertions on what verifying came to.</summary>
internal static class Verdict
{
    public static void Accepted(SvidVerification verification) =>
        Assert.True(verification.IsValid, $"{verification.Rejection}: {verification.Detail}");

    /// <summary>Refused for this reason, with a sentence that says why and without a way to trust it by mistake.</summary>
    public static void Refused(SvidRejection reason, SvidVerification verification)
    {
        Assert.True(reason == verification.Rejection, $"{verification.Rejection} instead of {reason}: {verification.Detail}");
        Assert.False(verification.IsValid);
        Assert.Equal(DateTimeOffset.MinValue, verification.ValidUntil);
        Assert.EndsWith(".", verification.Detail.TrimEnd('\''), StringComparison.Ordinal);
    }
}
