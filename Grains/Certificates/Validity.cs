namespace Mesh.Grains.Certificates;

/// <summary>When a certificate is good, in whole seconds (RFC 5280 §4.1.2.5).</summary>
internal readonly record struct Validity(DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    /// <summary>From now for a lifetime, rounded down to the second.</summary>
    public static Validity From(DateTimeOffset now, TimeSpan lifetime)
    {
        var start = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        return new(start, DateTimeOffset.FromUnixTimeSeconds((start + lifetime).ToUnixTimeSeconds()));
    }

    /// <summary>The same, beginning earlier, for peers whose clocks are behind.</summary>
    public Validity Backdated(TimeSpan by) => this with { NotBefore = NotBefore - by };

    /// <summary>The same, ending no later than the certificate that it hangs on.</summary>
    public Validity Within(DateTimeOffset authorityNotAfter) =>
        NotAfter <= authorityNotAfter ? this : this with { NotAfter = authorityNotAfter };
}
