using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Mesh.Grains.Attestation.Oidc;

/// <summary>The public keys of an issuer, out of its JWKS (RFC 7517).</summary>
internal sealed class OidcKeys
{
    private const int MaxKeys = 64;
    private const int LeastRsaBits = 2048;
    private const int MaxKeyIdChars = 256;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    private readonly ImmutableArray<OidcKey> _keys;

    private OidcKeys(ImmutableArray<OidcKey> keys) => _keys = keys;

    /// <summary>Reads a JWKS. Keys of other types or uses are passed over, as the standard demands (§5).</summary>
    /// <exception cref="FormatException">It is none, holds a private or a weak key, one name twice, or no key that could be used.</exception>
    public static OidcKeys Parse(ReadOnlySpan<byte> json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json.ToArray(), Strict);
        }
        catch (JsonException e)
        {
            throw new FormatException($"It is no valid JSON: {e.Message}", e);
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out var array)
                || array.ValueKind != JsonValueKind.Array)
            {
                throw new FormatException("It is no JWKS: it has no array 'keys'.");
            }

            if (array.GetArrayLength() > MaxKeys)
            {
                throw new FormatException($"It has {array.GetArrayLength()} keys; at most {MaxKeys} are read.");
            }

            var keys = array.EnumerateArray().Select(Read).OfType<OidcKey>().ToImmutableArray();
            if (keys.IsEmpty)
            {
                throw new FormatException("It has no key for RS256, PS256, ES256 or ES384.");
            }

            return keys.Select(key => key.KeyId).Distinct().Count() == keys.Length
                ? new OidcKeys(keys)
                : throw new FormatException("Two of its keys have the same 'kid', or none.");
        }
    }

    /// <summary>The key that a token names; without a name, the only one that there is. Null where there is none such.</summary>
    public OidcKey? Find(string? keyId) => keyId is null
        ? _keys.Length == 1 ? _keys[0] : null
        : _keys.FirstOrDefault(key => key.KeyId == keyId);

    private static OidcKey? Read(JsonElement element)
    {
        JsonWebKey key;
        try
        {
            key = new JsonWebKey(element.GetRawText());
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            throw new FormatException("One of its keys cannot be read.", e);
        }

        // A shared secret, or half of a pair that should be nowhere but at the issuer: whoever made this file has given it away.
        if (element.TryGetProperty("d", out _) || element.TryGetProperty("k", out _))
        {
            throw new FormatException("It holds a private or a secret key. Publish public keys alone, and replace that one.");
        }

        ImmutableArray<string> algorithms = (key.Kty, key.Crv) switch
        {
            ("RSA", _) => [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256],
            ("EC", "P-256") => [SecurityAlgorithms.EcdsaSha256],
            ("EC", "P-384") => [SecurityAlgorithms.EcdsaSha384],
            _ => [],
        };
        if (key.Alg is { Length: > 0 } only)
        {
            algorithms = algorithms.Contains(only) ? [only] : [];
        }

        var isToVerify = key.Use is null or "" or "sig" && (key.KeyOps.Count == 0 || key.KeyOps.Contains("verify"));
        return isToVerify && !algorithms.IsEmpty ? new OidcKey(NameOf(key), Import(key), algorithms) : null;
    }

    private static string? NameOf(JsonWebKey key) => key.Kid is not { Length: > MaxKeyIdChars }
        ? key.Kid
        : throw new FormatException($"One of its keys has a 'kid' of more than {MaxKeyIdChars} characters.");

    // Imported here and now, so that a key which is none is found when the file is read.
    private static AsymmetricSecurityKey Import(JsonWebKey key)
    {
        if (key.Kty != "RSA")
        {
            return new ECDsaSecurityKey(OrNone(key, () => ECDsa.Create(new ECParameters
            {
                Curve = key.Crv == "P-256" ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384,
                Q = new ECPoint { X = Base64UrlEncoder.DecodeBytes(key.X), Y = Base64UrlEncoder.DecodeBytes(key.Y) },
            })));
        }

        var rsa = OrNone(key, () => RSA.Create(new RSAParameters
        {
            Modulus = Base64UrlEncoder.DecodeBytes(key.N), Exponent = Base64UrlEncoder.DecodeBytes(key.E),
        }));
        return rsa.KeySize >= LeastRsaBits
            ? new RsaSecurityKey(rsa)
            : throw new FormatException($"The key '{key.Kid}' is RSA {rsa.KeySize}; at least {LeastRsaBits} bits are needed.");
    }

    private static T OrNone<T>(JsonWebKey key, Func<T> import)
    {
        try
        {
            return import();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or FormatException)
        {
            throw new FormatException($"The key '{key.Kid}' is no {key.Kty} key.", e);
        }
    }
}

/// <summary>One key of an issuer.</summary>
/// <param name="KeyId">Its <c>kid</c>; null where it has none.</param>
/// <param name="Key">The public key.</param>
/// <param name="Algorithms">What it verifies, and nothing else: never what a token says of itself.</param>
internal sealed record OidcKey(string? KeyId, AsymmetricSecurityKey Key, ImmutableArray<string> Algorithms);
