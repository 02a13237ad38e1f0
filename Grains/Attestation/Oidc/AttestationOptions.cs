using Microsoft.Extensions.Options;

namespace Mesh.Grains.Attestation.Oidc;

/// <summary>Configuration section <c>Attestation</c>.</summary>
public sealed class AttestationOptions
{
    /// <summary>The OIDC issuers whose JWTs enroll workloads.</summary>
    /// <value>Default none; at most 16. Each is trusted with every identity that its <see cref="OidcIssuerOptions.SubjectTemplate"/> can make.</value>
    public IList<OidcIssuerOptions> Oidc { get; } = [];
}

/// <summary>One entry of <c>Attestation:Oidc</c>: an issuer of JWTs, checked offline against its published keys.</summary>
public sealed class OidcIssuerOptions
{
    /// <summary>The claim <c>iss</c> of its tokens, to the letter.</summary>
    /// <value>Required; at most 512 characters; no two entries share one.</value>
    public string Issuer { get; set; } = "";

    /// <summary>What the claim <c>aud</c> must contain. Choose one that no other service takes tokens for.</summary>
    /// <value>Required; at most 512 characters.</value>
    public string Audience { get; set; } = "";

    /// <summary>The file that holds the issuer's JWKS. It is read again when it changes.</summary>
    /// <value>Required; at most 64 KiB.</value>
    public string JwksFile { get; set; } = "";

    /// <summary>What the claim <c>sub</c> looks like, and where namespace and account stand in it.</summary>
    /// <value>
    /// Default <c>system:serviceaccount:{namespace}:{service_account}</c>. Each of the two exactly once, and something between them that
    /// no name can hold.
    /// </value>
    public string SubjectTemplate { get; set; } = Oidc.SubjectTemplate.Kubernetes;

    /// <summary>The longest time from <c>iat</c> to <c>exp</c>.</summary>
    /// <value>Default 24 hours; 1 minute to 7 days.</value>
    public TimeSpan MaxLifetime { get; set; } = TimeSpan.FromHours(24);
}

/// <summary>Names every mistake in <see cref="AttestationOptions"/>, with its key; a JWKS file that cannot be read is one.</summary>
internal sealed class AttestationOptionsValidator : IValidateOptions<AttestationOptions>
{
    private const string Section = "Attestation:Oidc";
    private const int MaxIssuers = 16;
    private const int MaxChars = 512;
    private static readonly TimeSpan LeastLifetime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MostLifetime = TimeSpan.FromDays(7);

    public ValidateOptionsResult Validate(string? name, AttestationOptions options)
    {
        var mistakes = options.Oidc.SelectMany((issuer, index) => Mistakes(issuer, $"{Section}:{index}")).ToList();
        mistakes.AddRange(options.Oidc.Index()
            .Where(entry => entry.Item.Issuer.Length > 0)
            .GroupBy(entry => entry.Item.Issuer, StringComparer.Ordinal)
            .Where(group => group.Count() > 1)
            .Select(group => $"{Section}:{group.Last().Index}:Issuer '{group.Key}' has an entry already."));
        if (options.Oidc.Count > MaxIssuers)
        {
            mistakes.Add($"{Section} has {options.Oidc.Count} entries; at most {MaxIssuers} are read.");
        }

        return mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);
    }

    private static IEnumerable<string> Mistakes(OidcIssuerOptions issuer, string key)
    {
        foreach (var (name, value, what) in new[]
        {
            (nameof(issuer.Issuer), issuer.Issuer, "the claim 'iss' of its tokens"), (nameof(issuer.Audience), issuer.Audience, "the claim 'aud' that tokens for this mesh have"),
        })
        {
            if (value.Length == 0)
            {
                yield return $"{key}:{name} is missing: name {what}.";
            }
            else if (value.Length > MaxChars)
            {
                yield return $"{key}:{name} has {value.Length} characters; at most {MaxChars} are compared.";
            }
        }

        if (SubjectTemplate.Problem(issuer.SubjectTemplate) is { } problem)
        {
            yield return $"{key}:{nameof(issuer.SubjectTemplate)} '{issuer.SubjectTemplate}' {problem}";
        }

        if (issuer.MaxLifetime < LeastLifetime || issuer.MaxLifetime > MostLifetime)
        {
            yield return $"{key}:{nameof(issuer.MaxLifetime)} '{issuer.MaxLifetime}' is not a time from {LeastLifetime} to {MostLifetime}.";
        }

        if (KeysProblem(issuer.JwksFile) is { } unread)
        {
            yield return $"{key}:{nameof(issuer.JwksFile)} {unread}";
        }
    }

    private static string? KeysProblem(string file)
    {
        if (file.Length == 0)
        {
            return "is missing: name the file that holds the issuer's JWKS.";
        }

        try
        {
            _ = OidcKeys.Parse(JwksFile.Read(file));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return $"'{file}' cannot be used: {e.Message}";
        }
    }
}
