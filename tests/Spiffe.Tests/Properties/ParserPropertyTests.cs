using System.Text;
using CsCheck;

namespace Mesh.Spiffe.Tests;

/// <summary>Whatever comes from outside, parsers answer or throw <see cref="FormatException"/>, and nothing else.</summary>
public sealed class ParserPropertyTests
{
    private const int Iterations = 3000;

    private static readonly TestTrustDomain East = new("east.example");
    private static readonly TestTrustDomain West = new("west.example");
    private static readonly byte[] Leaf = East.Leaf(change: spec =>
        spec.Extra.Add(Constraints.Permitting(Constraints.Uri("east.example"), Constraints.Directory("CN=x")))).Der;

    private static readonly byte[] BundleJson = TrustBundleJson.Write(TestBundles.Full(East, West));
    private static readonly string Jws = new TestBundles(East).Sign(East.Bundle).Jws;

    /// <summary>A few changes: bytes replaced, taken out, doubled, or the rest cut off.</summary>
    private static Gen<byte[]> Mutations(byte[] original) =>
        Gen.Select(Gen.Int[0, original.Length - 1], Gen.Byte, Gen.Int[0, 4]).Array[1, 5].Select(changes =>
        {
            var bytes = original.ToList();
            foreach (var (at, value, kind) in changes)
            {
                var position = Math.Min(at, bytes.Count - 1);
                switch (kind)
                {
                    case 0 when bytes.Count > 1:
                        bytes.RemoveAt(position);
                        break;
                    case 1:
                        bytes.Insert(position, value);
                        break;
                    case 2 when position > 0:
                        bytes.RemoveRange(position, bytes.Count - position);
                        break;
                    default:
                        bytes[position] = value;
                        break;
                }
            }

            return bytes.ToArray();
        });

    [Fact]
    public void IDs() => Gen.OneOf(Gen.String, Mutations(Encoding.ASCII.GetBytes("spiffe://east.example/ns/shop/sa/web")).Select(Encoding.Latin1.GetString))
        .Sample(text => SpiffeId.TryParse(text, out var id, out var error) ? id.ToString() == text && error is null : id is null && error is not null, iter: Iterations);

    [Fact]
    public void Certificates() => Mutations(Leaf).Sample(der => OnlyFormatException(() => X509Svid.Parse([der])), iter: Iterations);

    [Fact]
    public void Noise() => Gen.Byte.Array[0, 300].Sample(
        bytes => OnlyFormatException(() => X509Svid.Parse([bytes]))
            && OnlyFormatException(() => TrustBundleJson.Read(bytes))
            && OnlyFormatException(() => CompactJws.Parse(Encoding.Latin1.GetString(bytes), 1000))
            && ClientHelloReader.Read(bytes) is not null,
        iter: Iterations);

    [Fact]
    public void The_verifier_refuses_every_mutation_and_throws_nothing()
    {
        var good = East.Leaf().Der;
        var verifier = new SvidVerifier(new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TestTrustDomain.Now));
        Mutations(good).Sample(
            der => der.AsSpan().SequenceEqual(good) == verifier.Verify([der, East.WorkloadIssuer.Der], East.Bundle).IsValid,
            iter: Iterations);
        Mutations(East.WorkloadIssuer.Der).Sample(
            der => der.AsSpan().SequenceEqual(East.WorkloadIssuer.Der) == verifier.Verify([good, der], East.Bundle).IsValid,
            iter: Iterations);
    }

    [Fact]
    public void Bundles() => Mutations(BundleJson).Sample(
        json => OnlyFormatException(() => TrustBundleJson.Read(json)) && OnlyFormatException(() => TrustBundleJson.ReadSpiffe(East.Name, json)),
        iter: Iterations);

    [Fact]
    public void Signatures() => Mutations(Encoding.ASCII.GetBytes(Jws)).Select(Encoding.Latin1.GetString).Sample(
        text => OnlyFormatException(() => CompactJws.Parse(text, 10_000).Verify(East.Anchor.Key.ExportSubjectPublicKeyInfo()))
            && OnlyFormatException(() => SignedBundle.Parse(text)),
        iter: Iterations);

    [Fact]
    public void Tokens_of_other_issuers() => Gen.Select(Mutations(Encoding.ASCII.GetBytes("""{"alg":"RS256","typ":"JWT","kid":"key-1"}""")), Mutations(Encoding.ASCII.GetBytes(
        """{"iss":"https://issuer.example","sub":"system:serviceaccount:shop:web","aud":["a","b"],"iat":1767225600,"nbf":1767225600,"exp":1767229200}""")))
        .Sample(
            (header, claims) => OnlyFormatException(() => OidcToken.ParseUnverified(
                $"{StrictBase64Url.Encode(header)}.{StrictBase64Url.Encode(claims)}.{StrictBase64Url.Encode("signature"u8)}")),
            iter: Iterations);

    [Fact]
    public void ClientHellos() => Mutations(ClientHelloReaderTests.Capture("web.shop.east.example", "mesh/1")).Sample(
        bytes => ClientHelloReader.Read(bytes) is { Kind: ClientHelloKind.ClientHello } or { ServerName: null, Alpn.Count: 0 },
        iter: Iterations);

    private static bool OnlyFormatException(Action parse)
    {
        try
        {
            parse();
        }
        catch (FormatException)
        {
            // The one way in which a parser may refuse.
        }

        return true;
    }
}
