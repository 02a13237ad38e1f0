using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>What a join token is good for.</summary>
public enum JoinTokenUse
{
    /// <summary>A first enrollment.</summary>
    Join,

    /// <summary>Enrolling again after a restart, with the one-time token that the last enrollment returned.</summary>
    Reenroll,
}

/// <summary>A one-time token with which a proxy or ProxyHost enrolls: a compact JWS (ES256) that also carries the hashes of the
/// anchors, so that its holder never trusts on first use.</summary>
/// <remarks>Claims: <c>iss</c> the trust domain, <c>sub</c> the SPIFFE ID, <c>aud</c> <c>mesh-enroll</c>, <c>jti</c>, <c>iat</c>, <c>exp</c>,
/// <c>anchors</c>, <c>addresses</c>, <c>uses</c>. The signed text is a secret; this record is not.</remarks>
public sealed record JoinToken
{
    /// <summary>The header's <c>typ</c>.</summary>
    public const string Type = "mesh-join+jwt";

    /// <summary>The claim <c>aud</c>.</summary>
    public const string Audience = "mesh-enroll";

    /// <summary>The longest token that is read, in characters: 8 KiB.</summary>
    public const int MaxChars = 8 * 1024;

    /// <summary>The most anchors, and the most addresses, that a token may carry.</summary>
    public const int MaxEntries = 8;

    private const int IdBytes = 128 / 8;

    /// <summary>The identity that the token enrolls.</summary>
    public required SpiffeId Subject { get; init; }

    /// <summary>The token's own name, 128 random bits, by which it is redeemed once.</summary>
    public required string Id { get; init; }

    /// <summary>When it was issued; whole seconds.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>From when on it is refused; whole seconds.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>The key hashes of the anchors that enrollment may trust; one to eight.</summary>
    public required IReadOnlyList<KeyHash> Anchors { get; init; }

    /// <summary>Where to enroll: <c>https://host:port</c>, one to eight.</summary>
    public required IReadOnlyList<Uri> Addresses { get; init; }

    /// <summary>What it is good for.</summary>
    public JoinTokenUse Use { get; init; }

    /// <summary>Makes a token with a new random name.</summary>
    /// <param name="subject">The identity; it must have a path.</param>
    /// <param name="now">The time of issue, cut to whole seconds.</param>
    /// <param name="lifetime">At least a second.</param>
    /// <param name="anchors">One to eight.</param>
    /// <param name="addresses">One to eight.</param>
    /// <param name="use">What it is good for.</param>
    /// <exception cref="ArgumentException">An argument is out of its bounds.</exception>
    public static JoinToken Create(
        SpiffeId subject,
        DateTimeOffset now,
        TimeSpan lifetime,
        IReadOnlyList<KeyHash> anchors,
        IReadOnlyList<Uri> addresses,
        JoinTokenUse use = JoinTokenUse.Join)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lifetime, TimeSpan.FromSeconds(1));
        var issuedAt = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        var token = new JoinToken
        {
            Subject = subject,
            Id = Base32.Lower(RandomNumberGenerator.GetBytes(IdBytes)),
            IssuedAt = issuedAt,
            ExpiresAt = DateTimeOffset.FromUnixTimeSeconds((issuedAt + lifetime).ToUnixTimeSeconds()),
            Anchors = anchors,
            Addresses = addresses,
            Use = use,
        };
        return JoinTokenClaims.Problem(token) is { } problem ? throw new ArgumentException(problem) : token;
    }

    /// <summary>Signs the token; the result is a secret.</summary>
    /// <param name="tokenKey">A key on P-256, whose public half is in the bundle.</param>
    /// <param name="keyId">The name under which it is there.</param>
    public string Sign(ECDsa tokenKey, string keyId) => CompactJws.Sign(Type, JoinTokenClaims.Write(this), tokenKey, keyId);

    /// <summary>Reads a token without verifying it, which only its rightful holder may do: it came from an operator.</summary>
    /// <exception cref="JoinTokenException"><see cref="JoinTokenRejection.Malformed"/>, <see cref="JoinTokenRejection.WrongAudience"/>
    /// or <see cref="JoinTokenRejection.WrongTrustDomain"/>.</exception>
    public static JoinToken ParseUnverified(string text) => JoinTokenClaims.Read(Split(text).Payload.Span);

    /// <summary>Verifies a token, all but that it was not redeemed before.</summary>
    /// <param name="text">The compact JWS.</param>
    /// <param name="keys">The token keys of the bundle in force.</param>
    /// <param name="trustDomain">The trust domain that issuer and subject must belong to.</param>
    /// <param name="now">The verifier's time; at <see cref="ExpiresAt"/> the token is over.</param>
    /// <exception cref="JoinTokenException">A rule is broken.</exception>
    public static JoinToken Verify(string text, IReadOnlyList<TokenKey> keys, TrustDomainName trustDomain, DateTimeOffset now)
    {
        var message = Split(text);
        if (keys.FirstOrDefault(candidate => candidate.KeyId == message.KeyId) is not { } key)
        {
            throw new JoinTokenException(
                JoinTokenRejection.UnknownKey,
                $"The join token names {(message.KeyId is null ? "no key" : $"the key {Describe.Text(message.KeyId)}")}, and the bundle of {trustDomain} has none such.");
        }

        if (!message.Verify(key.SubjectPublicKeyInfo))
        {
            throw new JoinTokenException(JoinTokenRejection.BadSignature, $"The join token was not signed by the key {Describe.Text(key.KeyId)} that it names.");
        }

        var token = JoinTokenClaims.Read(message.Payload.Span);
        CheckContext(token, trustDomain, now);
        return token;
    }

    private static void CheckContext(JoinToken token, TrustDomainName trustDomain, DateTimeOffset now)
    {
        if (token.Subject.TrustDomain != trustDomain)
        {
            throw new JoinTokenException(
                JoinTokenRejection.WrongTrustDomain,
                $"The join token is for the trust domain {token.Subject.TrustDomain}, and this is {trustDomain}.");
        }

        if (now < token.IssuedAt - SvidProfile.ClockSkew)
        {
            throw new JoinTokenException(
                JoinTokenRejection.NotYetValid,
                $"The join token was issued at {Describe.Time(token.IssuedAt)}, and here it is {Describe.Time(now)}: compare the clocks.");
        }

        if (now >= token.ExpiresAt)
        {
            throw new JoinTokenException(
                JoinTokenRejection.Expired,
                $"The join token was good until {Describe.Time(token.ExpiresAt)}, and here it is {Describe.Time(now)}: ask for a new one.");
        }
    }

    private static JwsMessage Split(string text)
    {
        JwsMessage message;
        try
        {
            message = CompactJws.Parse(text, MaxChars);
        }
        catch (FormatException exception)
        {
            throw new JoinTokenException(JoinTokenRejection.Malformed, $"This is no join token. {exception.Message}", exception);
        }

        return message.Algorithm == CompactJws.Es256 && message.Type == Type
            ? message
            : throw new JoinTokenException(
                JoinTokenRejection.Malformed,
                $"A join token has the algorithm {CompactJws.Es256} and the type '{Type}'; this one has {Describe.Text(message.Algorithm)} and {Describe.Text(message.Type ?? "")}.");
    }
}
