using System.Text.Json;

namespace Mesh.Spiffe;

/// <summary>The private member of a bundle: what the mesh says beyond SPIFFE's words.</summary>
internal static class MeshMember
{
    public const string Name = "mesh_orleans";
    private const int MaxKeyIdChars = 128;
    private const int MaxPublicKeyBytes = 4096;
    private const int MaxReasonChars = 512;
    private const int MaxEntries = 8192;

    public static void Write(Utf8JsonWriter writer, TrustBundle bundle)
    {
        writer.WriteStartObject(Name);
        writer.WriteString("trust_domain", bundle.TrustDomain.Name);
        writer.WriteNumber("epoch", bundle.Epoch);
        writer.WriteString("signed_at", bundle.SignedAt.ToUniversalTime());
        WriteArray(writer, "stages", bundle.Anchors, anchor => writer.WriteStringValue(StageName(anchor.Stage)));
        WriteArray(writer, "token_keys", bundle.TokenKeys, key =>
        {
            writer.WriteStartObject();
            writer.WriteString("kid", key.KeyId);
            writer.WriteBase64String("spki", key.SubjectPublicKeyInfo.Span);
            writer.WriteEndObject();
        });
        WriteVerdicts(writer, bundle.ControlPlaneIssuers, bundle.Revocations, bundle.Bans);
        if (bundle.Forgotten is { } gap)
        {
            writer.WriteStartObject("forgotten");
            writer.WriteNumber("after", gap.After);
            writer.WriteNumber("before", gap.Before);
            writer.WriteEndObject();
        }

        WriteArray(writer, "federated", bundle.Federated, federated =>
        {
            writer.WriteStartObject();
            writer.WriteString("trust_domain", federated.TrustDomain.Name);
            writer.WriteNumber("sequence", federated.Sequence);
            JsonWebKeys.Write(writer, federated.Anchors);
            WriteVerdicts(writer, federated.ControlPlaneIssuers, federated.Revocations, federated.Bans);
            writer.WriteEndObject();
        });
        writer.WriteEndObject();
    }

    /// <summary>Our own bundle, but for its sequence and refresh hint.</summary>
    public static TrustBundle Read(JsonMembers bundle, IReadOnlyList<TrustAnchor> anchors)
    {
        var mesh = bundle.Object(Name);
        var stages = mesh.Array("stages", TrustBundleJson.MaxKeys, ReadStage);
        if (stages.Count != anchors.Count)
        {
            throw new FormatException($"The '{Name}' of the bundle has {stages.Count} stages for {anchors.Count} anchors.");
        }

        var trustDomain = mesh.TrustDomain("trust_domain");
        var federated = mesh.Array("federated", TrustBundleJson.MaxKeys, ReadFederated);
        if (federated.Select(other => other.TrustDomain).Append(trustDomain).Distinct().Count() != federated.Count + 1)
        {
            throw new FormatException($"The '{Name}' of the bundle has two bundles for one trust domain.");
        }

        return new TrustBundle
        {
            TrustDomain = trustDomain,
            Sequence = 0,
            Epoch = mesh.Number("epoch"),
            SignedAt = mesh.Time("signed_at"),
            Anchors = [.. anchors.Zip(stages, (anchor, stage) => anchor with { Stage = stage })],
            ControlPlaneIssuers = ReadControlPlaneIssuers(mesh),
            TokenKeys = mesh.Array("token_keys", TrustBundleJson.MaxKeys, ReadTokenKey),
            Revocations = ReadRevocations(mesh),
            Bans = ReadBans(mesh),
            Forgotten = ReadForgotten(mesh),
            Federated = federated,
        };
    }

    /// <summary>What another mesh says about itself; a SPIFFE bundle without the private member stays as it is.</summary>
    public static FederatedBundle AddTo(FederatedBundle federated, JsonMembers bundle)
    {
        if (!bundle.Has(Name))
        {
            return federated;
        }

        var mesh = bundle.Object(Name);
        var trustDomain = mesh.TrustDomain("trust_domain");
        return trustDomain == federated.TrustDomain
            ? WithVerdicts(federated, mesh)
            : throw new FormatException($"The bundle is that of the trust domain {trustDomain}, and {federated.TrustDomain}'s was expected.");
    }

    private static FederatedBundle ReadFederated(JsonElement element, string name)
    {
        var members = StrictJson.Object(element, name);
        return WithVerdicts(
            new FederatedBundle(members.TrustDomain("trust_domain"), JsonWebKeys.Read(members), members.Number("sequence")),
            members);
    }

    private static FederatedBundle WithVerdicts(FederatedBundle federated, JsonMembers members) => federated with
    {
        ControlPlaneIssuers = ReadControlPlaneIssuers(members),
        Revocations = ReadRevocations(members),
        Bans = ReadBans(members),
    };

    private static void WriteVerdicts(
        Utf8JsonWriter writer,
        IReadOnlyList<KeyHash> controlPlaneIssuers,
        IReadOnlyList<Revocation> revocations,
        IReadOnlyList<IdentityBan> bans)
    {
        WriteArray(writer, "control_plane_issuers", controlPlaneIssuers, hash => writer.WriteStringValue(hash.ToString()));
        WriteArray(writer, "revocations", revocations, revocation =>
        {
            writer.WriteStartObject();
            writer.WriteString("key_hash", revocation.KeyHash.ToString());
            writer.WriteString("revoked_at", revocation.RevokedAt.ToUniversalTime());
            writer.WriteString("authority_not_after", revocation.AuthorityNotAfter.ToUniversalTime());
            writer.WriteString("reason", revocation.Reason);
            writer.WriteEndObject();
        });
        WriteArray(writer, "bans", bans, ban =>
        {
            writer.WriteStartObject();
            writer.WriteString("id", ban.Id.ToString());
            writer.WriteString("issued_before", ban.IssuedBefore.ToUniversalTime());
            writer.WriteEndObject();
        });
    }

    private static IReadOnlyList<KeyHash> ReadControlPlaneIssuers(JsonMembers members) =>
        members.Array("control_plane_issuers", TrustBundleJson.MaxKeys, StrictJson.KeyHash);

    private static IReadOnlyList<Revocation> ReadRevocations(JsonMembers members) =>
        members.Array("revocations", MaxEntries, (element, name) =>
        {
            var revocation = StrictJson.Object(element, name);
            return new Revocation(
                revocation.KeyHash("key_hash"),
                revocation.Time("revoked_at"),
                revocation.Time("authority_not_after"),
                revocation.String("reason", MaxReasonChars));
        });

    private static IReadOnlyList<IdentityBan> ReadBans(JsonMembers members) =>
        members.Array("bans", MaxEntries, (element, name) =>
        {
            var ban = StrictJson.Object(element, name);
            return new IdentityBan(ban.SpiffeId("id"), ban.Time("issued_before"));
        });

    private static HistoryGap? ReadForgotten(JsonMembers mesh)
    {
        if (!mesh.Has("forgotten"))
        {
            return null;
        }

        var gap = mesh.Object("forgotten");
        return new HistoryGap(gap.Number("after"), gap.Number("before"));
    }

    private static TokenKey ReadTokenKey(JsonElement element, string name)
    {
        var key = StrictJson.Object(element, name);
        return new TokenKey(key.String("kid", MaxKeyIdChars), key.Base64("spki", MaxPublicKeyBytes));
    }

    private static string StageName(AnchorStage stage) => stage switch
    {
        AnchorStage.Prepared => "prepared",
        AnchorStage.Active => "active",
        AnchorStage.Standby => "standby",
        AnchorStage.Retiring => "retiring",
        _ => throw new ArgumentOutOfRangeException(nameof(stage), stage, "No such stage."),
    };

    private static AnchorStage ReadStage(JsonElement element, string name) => StrictJson.String(element, name, 16) switch
    {
        "prepared" => AnchorStage.Prepared,
        "active" => AnchorStage.Active,
        "standby" => AnchorStage.Standby,
        "retiring" => AnchorStage.Retiring,
        _ => throw new FormatException($"The {name} is no stage of an anchor."),
    };

    private static void WriteArray<T>(Utf8JsonWriter writer, string name, IReadOnlyList<T> items, Action<T> write)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            write(item);
        }

        writer.WriteEndArray();
    }
}
