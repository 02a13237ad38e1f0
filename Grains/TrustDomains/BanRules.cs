using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.TrustDomains;

/// <summary>What bans do to a trust domain's state. Pure functions of state and clock.</summary>
internal static class BanRules
{
    /// <summary>The most bans that are kept, lifted ones among them.</summary>
    public const int MaxBans = 4_096;

    /// <summary>
    /// The most that bans may take of the bundle, in bytes of its JSON: in base64 that is two thirds of the mebibyte that a signed
    /// bundle may have.
    /// </summary>
    public const int MaxBytes = 512 * 1024;

    /// <summary>Characters of a reason that are kept.</summary>
    public const int MaxReasonChars = 256;

    // {"id":"…","issued_before":"9999-12-31T00:00:00+00:00"}, and a comma.
    private const int BytesBesideTheId = 64;

    /// <summary>
    /// A signer may be so far behind: what it signs meanwhile for evidence from before the ban must lie before the cut-off too.
    /// </summary>
    private static readonly TimeSpan SignersKnowWithin = TimeSpan.FromSeconds(6);

    /// <summary>The longest that a leaf may live whatever the options say, and a join token too.</summary>
    private static readonly TimeSpan LongestLife = TimeSpan.FromDays(7);

    /// <summary>An identity banned until further notice: whenever its leaves are issued, it is before the cut-off.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.LimitReached"/>: the bundle holds no more.</exception>
    public static TrustDomainState WithBan(this TrustDomainState state, SpiffeId id, string reason, DateTimeOffset now)
    {
        var bans = state.Bans.RemoveAll(ban => ban.Id == id).Add(new BanRecord(id, BanRecord.Never, reason, now));
        return FitsBundle(bans)
            ? state with { Bans = bans }
            : throw new MeshException(
                MeshError.LimitReached,
                $"{state.Bans.Length} bans are kept, and there is no room for another: at most {MaxBans} in {MaxBytes / 1024} KiB, since every proxy is sent "
                + $"them. Lifted ones go by themselves; where a whole issuer's leaves are to be void, revoke the issuer.");
    }

    /// <summary>With the bans of a bundle from before a restore, but for those of identities that were judged anew since.</summary>
    /// <remarks>What is remembered counts as from before the restore: a later bundle of that time may know better.</remarks>
    /// <exception cref="MeshException"><see cref="MeshError.LimitReached"/>: the bundle holds no more.</exception>
    public static TrustDomainState WithRememberedBans(this TrustDomainState state, IReadOnlyList<IdentityBan> forgotten)
    {
        var restoredAt = TrustDomainState.TimeOf(state.ForgottenBefore);
        var judged = state.Bans.Where(ban => ban.BannedAt >= restoredAt || (!ban.Stands && ban.IssuedBefore >= restoredAt)).ToList();
        var remembered = forgotten.Where(ban => judged.TrueForAll(other => other.Id != ban.Id))
            .Select(ban => state.Bans.FirstOrDefault(held => held.Id == ban.Id) is { } held
                ? held with { IssuedBefore = ban.IssuedBefore }
                : new BanRecord(ban.Id, ban.IssuedBefore, "Known from a bundle of before a restore", restoredAt.AddSeconds(-1)))
            .ToList();
        var bans = state.Bans.RemoveAll(ban => remembered.Exists(other => other.Id == ban.Id)).AddRange(remembered);
        return FitsBundle(bans)
            ? state with { Bans = bans }
            : throw new MeshException(MeshError.LimitReached, $"There is no room for the {remembered.Count} bans that were forgotten by the restore.");
    }

    /// <summary>A ban lifted: what was issued until now stays refused, what is issued from the cut-off on is good.</summary>
    public static TrustDomainState WithLiftedBan(this TrustDomainState state, BanRecord ban, DateTimeOffset now)
    {
        var cutOff = WholeSecond(now > ban.BannedAt + SignersKnowWithin ? now : ban.BannedAt + SignersKnowWithin);
        return state with { Bans = state.Bans.Replace(ban, ban with { IssuedBefore = cutOff }) };
    }

    /// <summary>
    /// Without the lifted bans that nothing falls under any more: no leaf or token from before the cut-off is alive, nor a key
    /// that may renew.
    /// </summary>
    public static TrustDomainState WithoutSpentBans(this TrustDomainState state, TimeSpan recoveryWindow, DateTimeOffset now)
    {
        var keptFor = LongestLife + recoveryWindow + SvidProfile.ClockSkew;
        return state.Bans.Any(IsSpent) ? state with { Bans = state.Bans.RemoveAll(IsSpent) } : state;

        bool IsSpent(BanRecord ban) => !ban.Stands && now - ban.IssuedBefore > keptFor;
    }

    public static BanStatus ToStatus(this BanRecord ban) => new(ban.Id, ban.Reason ?? "", ban.BannedAt, ban.Stands ? null : ban.IssuedBefore);

    private static bool FitsBundle(ImmutableArray<BanRecord> bans) =>
        bans.Length <= MaxBans && bans.Sum(ban => ban.Id.ToString().Length + BytesBesideTheId) <= MaxBytes;

    // Certificates count in whole seconds, rounded down. A cut-off rounded up leaves out none that was issued before it.
    private static DateTimeOffset WholeSecond(DateTimeOffset time)
    {
        var seconds = time.ToUnixTimeSeconds();
        var rounded = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return rounded == time ? rounded : rounded.AddSeconds(1);
    }
}
