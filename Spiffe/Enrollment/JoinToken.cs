using System.Security.Cryptography;

namespace Mesh.Spiffe;

/// <summary>What a join token is good for.</summary>
public enum JoinTokenUse
{
    /// <summary>A first enrollment.</summary>
    Join,

    /// <summary>Enrolling again after a restart.</summary>
    Reenroll,
}

/// <summary>A join token.</summary>
public sealed record JoinToken
{
    /// <summary>The identity.</summary>
    public required SpiffeId Subject { get; init; }

    /// <summary>The token's own name.</summary>
    public required string Id { get; init; }

    /// <summary>When it was issued.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>When it ends.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>The anchors' hashes.</summary>
    public required IReadOnlyList<KeyHash> Anchors { get; init; }

    /// <summary>The enrollment addresses.</summary>
    public required IReadOnlyList<Uri> Addresses { get; init; }

    /// <summary>What it is good for.</summary>
    public JoinTokenUse Use { get; init; }

    /// <summary>Makes a token.</summary>
    public static JoinToken Create(SpiffeId subject, DateTimeOffset now, TimeSpan lifetime, IReadOnlyList<KeyHash> anchors, IReadOnlyList<Uri> addresses, JoinTokenUse use = JoinTokenUse.Join) => throw new NotImplementedException();

    /// <summary>Signs it.</summary>
    public string Sign(ECDsa tokenKey, string keyId) => throw new NotImplementedException(Id);

    /// <summary>Reads it.</summary>
    public static JoinToken ParseUnverified(string text) => throw new NotImplementedException();

    /// <summary>Verifies it.</summary>
    public static JoinToken Verify(string text, IReadOnlyList<TokenKey> keys, TrustDomainName trustDomain, DateTimeOffset now) => throw new NotImplementedException();
}
