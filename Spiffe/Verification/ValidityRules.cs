namespace Mesh.Spiffe;

/// <summary>The validity of every element of a path at one instant, with clocks that may differ.</summary>
/// <param name="Now">The verifier's time.</param>
/// <param name="Skew">How far clocks may differ, at either end.</param>
/// <param name="Grace">How long after its end a validity still counts.</param>
internal sealed record ValidityRules(DateTimeOffset Now, TimeSpan Skew, TimeSpan Grace)
{
    public Refusal? Check(CertificatePath path) =>
        path.Certificates
            .Select(certificate => Check(certificate.NotBefore, certificate.NotAfter, () => path.Name(certificate)))
            .FirstOrDefault(refusal => refusal is not null);

    public Refusal? Check(DateTimeOffset notBefore, DateTimeOffset notAfter, Func<string> name)
    {
        if (Now < notBefore - Skew)
        {
            return new Refusal(
                SvidRejection.NotYetValid,
                $"{name()} is valid from {Describe.Time(notBefore)}, and here it is {Describe.Time(Now)} ({Skew.TotalSeconds:0} s of difference are allowed): compare the clocks.");
        }

        return Now - Skew - Grace > notAfter
            ? new Refusal(
                SvidRejection.Expired,
                $"{name()} was valid until {Describe.Time(notAfter)}, and here it is {Describe.Time(Now)} ({(Skew + Grace).TotalSeconds:0} s of difference are allowed): renew it, or compare the clocks.")
            : null;
    }
}
