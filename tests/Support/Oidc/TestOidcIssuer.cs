using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Mesh.Tests.Oidc;

/// <summary>An issuer of JWTs as Kubernetes is one, whose keys a test owns. What it signs with is its own code, not the silo's.</summary>
internal sealed class TestOidcIssuer : IDisposable
{
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";
    public const string Audience = "mesh.example/enroll";

    public RSA Rsa { get; private set; } = RSA.Create(2048);

    public ECDsa P256 { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public ECDsa P384 { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP384);

    /// <summary>The name of the RSA key; another one after each <see cref="Rotate"/>.</summary>
    public string RsaKeyId { get; private set; } = "rsa-1";

    /// <summary>The public keys: RSA, P-256, P-384.</summary>
    public string Jwks => new JsonObject { ["keys"] = new JsonArray(RsaJwk(), EcJwk(P256, "P-256", "ec-256"), EcJwk(P384, "P-384", "ec-384")) }.ToJsonString();

    /// <summary>The claims of a token for an account, good for an hour.</summary>
    public static JsonObject Claims(string account, DateTimeOffset now, string ns = "emojivoto") => new()
    {
        ["iss"] = Issuer,
        ["sub"] = $"system:serviceaccount:{ns}:{account}",
        ["aud"] = new JsonArray(Audience),
        ["iat"] = now.ToUnixTimeSeconds(),
        ["nbf"] = now.ToUnixTimeSeconds(),
        ["exp"] = now.AddHours(1).ToUnixTimeSeconds(),
    };

    /// <summary>As Kubernetes signs: RS256, no <c>typ</c>.</summary>
    public string Sign(JsonObject claims) => Sign(new JsonObject { ["alg"] = "RS256", ["kid"] = RsaKeyId }, claims.ToJsonString());

    /// <summary>Signs whatever is given, by the key that the algorithm goes with.</summary>
    public string Sign(JsonObject header, string claims) => Sign(header.ToJsonString(), claims, (string?)header["alg"]);

    public string Sign(string header, string claims, string? algorithm)
    {
        var input = $"{Encode(header)}.{Encode(claims)}";
        var bytes = Encoding.ASCII.GetBytes(input);
        var signature = algorithm switch
        {
            "RS256" => Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "PS256" => Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            "RS512" => Rsa.SignData(bytes, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
            "ES256" => P256.SignData(bytes, HashAlgorithmName.SHA256),
            "ES384" => P384.SignData(bytes, HashAlgorithmName.SHA384),
            // With what everybody has: the public key, as it stands in a PEM file.
            "HS256" => HMACSHA256.HashData(Encoding.ASCII.GetBytes(Rsa.ExportSubjectPublicKeyInfoPem()), bytes),
            "none" => [],
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, null),
        };
        return $"{input}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>Gives up the RSA key for a new one of another name.</summary>
    public void Rotate()
    {
        Rsa.Dispose();
        (Rsa, RsaKeyId) = (RSA.Create(2048), $"rsa-{int.Parse(RsaKeyId.AsSpan(4), provider: null) + 1}");
    }

    public JsonObject RsaJwk()
    {
        var key = Rsa.ExportParameters(false);
        return new JsonObject
        {
            ["kty"] = "RSA", ["use"] = "sig", ["kid"] = RsaKeyId,
            ["n"] = Base64Url.EncodeToString(key.Modulus), ["e"] = Base64Url.EncodeToString(key.Exponent),
        };
    }

    public static JsonObject EcJwk(ECDsa key, string curve, string name)
    {
        var point = key.ExportParameters(false).Q;
        return new JsonObject
        {
            ["kty"] = "EC", ["use"] = "sig", ["kid"] = name, ["crv"] = curve,
            ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y),
        };
    }

    public void Dispose()
    {
        Rsa.Dispose();
        P256.Dispose();
        P384.Dispose();
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
