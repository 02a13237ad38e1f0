using System.Text;
using System.Text.Json.Nodes;

namespace Mesh.Spiffe.Tests;

/// <summary>SPIFFE Trust Domain and Bundle §4.</summary>
public sealed class TrustBundleJsonTests
{
    private readonly TestTrustDomain _east = new("east.example");
    private readonly TestTrustDomain _west = new("west.example");

    private TrustBundle Full => field ??= TestBundles.Full(_east, _west);

    [Fact]
    public void A_bundle_survives_writing_and_reading()
    {
        var read = TrustBundleJson.Read(TrustBundleJson.Write(Full));

        Assert.Equal(TrustBundleJson.Write(Full), TrustBundleJson.Write(read));
        Assert.Equal((Full.TrustDomain, Full.Sequence, Full.Epoch, Full.SignedAt, Full.RefreshHint), (read.TrustDomain, read.Sequence, read.Epoch, read.SignedAt, read.RefreshHint));
        Assert.Equal(Full.Anchors.Select(anchor => (anchor.KeyHash, anchor.Stage)), read.Anchors.Select(anchor => (anchor.KeyHash, anchor.Stage)));
        Assert.Equal(Full.ControlPlaneIssuers, read.ControlPlaneIssuers);
        Assert.Equal(Full.Revocations, read.Revocations);
        Assert.Equal(Full.Bans, read.Bans);
        Assert.Null(read.Forgotten);
        var restored = Full with { Forgotten = new HistoryGap(3, 1L << 50) };
        Assert.Equal(restored.Forgotten, TrustBundleJson.Read(TrustBundleJson.Write(restored)).Forgotten);
        var (expectedKey, key) = (Assert.Single(Full.TokenKeys), Assert.Single(read.TokenKeys));
        Assert.Equal((expectedKey.KeyId, Convert.ToHexString(expectedKey.SubjectPublicKeyInfo.Span)), (key.KeyId, Convert.ToHexString(key.SubjectPublicKeyInfo.Span)));
        var (expectedFederated, federated) = (Assert.Single(Full.Federated), Assert.Single(read.Federated));
        Assert.Equal((expectedFederated.TrustDomain, expectedFederated.Sequence), (federated.TrustDomain, federated.Sequence));
        Assert.Equal(expectedFederated.ControlPlaneIssuers, federated.ControlPlaneIssuers);
        Assert.Equal(expectedFederated.Bans, federated.Bans);
    }

    [Fact]
    public void An_anchor_with_an_RSA_key_survives_too()
    {
        var spec = TestTrustDomain.Authority("CN=RSA anchor", null);
        spec.Key = System.Security.Cryptography.RSA.Create(2048);
        var rsa = new TestTrustDomain("east.example", TestCertificate.SelfSigned(spec));
        Assert.Equal(rsa.Bundle.Anchors[0].KeyHash, TrustBundleJson.Read(TrustBundleJson.Write(rsa.Bundle)).Anchors[0].KeyHash);
    }

    [Fact]
    public void Others_read_it_as_a_SPIFFE_bundle()
    {
        var json = JsonNode.Parse(TrustBundleJson.Write(Full))!.AsObject();
        var key = json["keys"]![0]!.AsObject();
        Assert.Equal(["use", "kty", "crv", "x", "y", "x5c"], key.Select(member => member.Key));
        Assert.Equal("x509-svid", (string?)key["use"]);
        Assert.Equal(long.MaxValue, (long)json["spiffe_sequence"]!);
        Assert.Equal(42, (int)json["spiffe_refresh_hint"]!);

        json.Remove("mesh_orleans");
        var bundle = TrustBundleJson.ReadSpiffe(_east.Name, Bytes(json));
        Assert.Equal(Full.Anchors.Select(anchor => anchor.KeyHash), bundle.Anchors.Select(anchor => anchor.KeyHash));
        Assert.Equal(Full.Sequence, bundle.Sequence);
        Assert.Empty(bundle.ControlPlaneIssuers);
    }

    [Fact]
    public void Another_mesh_also_reads_its_control_plane_issuers_revocations_and_bans()
    {
        var bundle = TrustBundleJson.ReadSpiffe(_east.Name, TrustBundleJson.Write(Full));
        Assert.Equal(Full.ControlPlaneIssuers, bundle.ControlPlaneIssuers);
        Assert.Equal(Full.Revocations, bundle.Revocations);
        Assert.Equal(Full.Bans, bundle.Bans);
        Assert.Throws<FormatException>(() => TrustBundleJson.ReadSpiffe(_west.Name, TrustBundleJson.Write(Full)));
    }

    [Fact]
    public void A_bundle_of_the_mesh_needs_the_private_member()
    {
        var error = Refused(json => json.Remove("mesh_orleans"));
        Assert.Contains("mesh_orleans", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_members_keys_of_unknown_use_or_type_and_keys_without_a_certificate_are_passed_over()
    {
        var json = JsonNode.Parse(TrustBundleJson.Write(Full))!.AsObject();
        json["other"] = "thing";
        json["keys"]!.AsArray().Add(JsonNode.Parse("""{"use":"wit-svid","kty":"EC"}"""));
        json["keys"]!.AsArray().Add(JsonNode.Parse("""{"use":"x509-svid","kty":"OKP"}"""));
        json["keys"]!.AsArray().Add(JsonNode.Parse("""{"kty":"EC"}"""));
        json["keys"]!.AsArray().Add(JsonNode.Parse("""{"use":"x509-svid","kty":"EC"}"""));
        json["keys"]!.AsArray().Add(JsonNode.Parse("""{"use":"x509-svid","kty":"EC","x5c":[]}"""));
        json["keys"]!.AsArray().Add(JsonNode.Parse("""{"use":"jwt-svid","kty":"EC","kid":"1"}"""));
        Assert.Equal(2, TrustBundleJson.Read(Bytes(json)).Anchors.Count);
    }

    public static TheoryData<string, string> Broken => new()
    {
        { "keys", "null" },
        { "keys", """{}""" },
        { "keys", """[1]""" },
        { "keys", """[{"use":"x509-svid","kty":"EC","x5c":["AAAA","AAAA"]}]""" },
        { "keys", """[{"use":"x509-svid","kty":"EC","x5c":["AAAA"]}]""" },
        { "keys", """[{"use":"x509-svid","kty":"EC","x5c":["***"]}]""" },
        { "keys", """[{"use":"jwt-svid","kty":"EC"}]""" },
        { "spiffe_sequence", """-1""" },
        { "spiffe_sequence", """1.5""" },
        { "spiffe_sequence", "\"1\"" },
        { "spiffe_sequence", """9223372036854775808""" },
        { "spiffe_refresh_hint", """-5""" },
        { "mesh_orleans", """[]""" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_member_is_refused_and_named(string member, string value) =>
        Assert.Contains($"'{member}'", Refused(json => json[member] = JsonNode.Parse(value)), StringComparison.Ordinal);

    public static TheoryData<string, string> BrokenInside => new()
    {
        { "trust_domain", "\"EAST\"" },
        { "epoch", "\"1\"" },
        { "signed_at", "\"yesterday\"" },
        { "signed_at", "\"2030-01-01T00:00:00\"" },
        { "stages", "[\"active\"]" },
        { "stages", "[\"active\",\"unheard-of\"]" },
        { "control_plane_issuers", "[\"00\"]" },
        { "token_keys", "[{}]" },
        { "revocations", "[{\"key_hash\":\"x\"}]" },
        { "bans", "[{\"id\":\"https://x\",\"issued_before\":\"2030-01-01T00:00:00Z\"}]" },
        { "federated", "[{\"trust_domain\":\"west.example\"}]" },
        { "forgotten", "{\"after\":1}" },
        { "forgotten", "[1,2]" },
        { "forgotten", "{\"after\":-1,\"before\":2}" },
    };

    [Theory]
    [MemberData(nameof(BrokenInside))]
    public void A_broken_part_of_the_private_member_is_refused(string member, string value) =>
        Assert.Contains("mesh_orleans", Refused(json => json["mesh_orleans"]![member] = JsonNode.Parse(value)), StringComparison.Ordinal);

    [Fact]
    public void Two_bundles_for_one_trust_domain_are_refused()
    {
        Refused(json => json["mesh_orleans"]!["federated"]!.AsArray().Add(json["mesh_orleans"]!["federated"]![0]!.DeepClone()));
        Refused(json => json["mesh_orleans"]!["federated"]![0]!["trust_domain"] = "east.example");
    }

    [Fact]
    public void One_key_or_one_member_twice_is_refused()
    {
        Refused(json => json["keys"]!.AsArray().Add(json["keys"]![0]!.DeepClone()));
        Assert.Throws<FormatException>(() => TrustBundleJson.ReadSpiffe(_east.Name, """{"keys":[],"keys":[]}"""u8));
        Assert.Empty(TrustBundleJson.ReadSpiffe(_east.Name, """{"keys":[]}"""u8).Anchors);
    }

    [Fact]
    public void Too_many_keys_and_too_many_bytes_are_refused()
    {
        var keys = string.Join(',', Enumerable.Repeat("""{"use":"x","kty":"EC"}""", 257));
        Assert.Throws<FormatException>(() => TrustBundleJson.ReadSpiffe(_east.Name, Encoding.UTF8.GetBytes($$"""{"keys":[{{keys}}]}""")));
        Assert.Throws<FormatException>(() => TrustBundleJson.ReadSpiffe(_east.Name, Encoding.UTF8.GetBytes($$"""{"keys":[],"x":"{{new string('x', 1024 * 1024)}}"}""")));
        Assert.Throws<FormatException>(() => TrustBundleJson.ReadSpiffe(_east.Name, Encoding.UTF8.GetBytes(new string('[', 100_000))));
    }

    private string Refused(Action<JsonObject> change)
    {
        var json = JsonNode.Parse(TrustBundleJson.Write(Full))!.AsObject();
        change(json);
        return Assert.Throws<FormatException>(() => TrustBundleJson.Read(Bytes(json))).Message;
    }

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());
}
