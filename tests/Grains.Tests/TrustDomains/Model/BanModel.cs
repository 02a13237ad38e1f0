using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.TrustDomains.Model;

/// <summary>When each identity was banned and when the ban was lifted, and what that means for its leaves.</summary>
internal sealed class BanModel
{
    // Signers may be five seconds behind, and certificates count in whole seconds.
    private static readonly TimeSpan Unclear = TimeSpan.FromSeconds(7);

    private readonly Dictionary<SpiffeId, (DateTimeOffset At, DateTimeOffset? Lifted)> _bans = [];

    public void Stored(IEnumerable<BanRecord> bans, DateTimeOffset now)
    {
        foreach (var ban in bans)
        {
            var known = _bans.TryGetValue(ban.Id, out var held);
            if (ban.Stands && (!known || held.Lifted is not null))
            {
                _bans[ban.Id] = (now, null);
            }
            else if (!ban.Stands && held.Lifted is null)
            {
                _bans[ban.Id] = (held.At, now);
            }
        }
    }

    /// <summary>Whatever was issued before the ban was lifted is void for good.</summary>
    public bool MustRefuse(SpiffeId id, DateTimeOffset issuedAt) =>
        _bans.TryGetValue(id, out var ban) && (ban.Lifted is not { } lifted || issuedAt < lifted);

    /// <summary>What is issued well after that is good.</summary>
    public bool MayRefuse(SpiffeId id, DateTimeOffset issuedAt) =>
        _bans.TryGetValue(id, out var ban) && (ban.Lifted is not { } lifted || issuedAt < lifted + Unclear);
}
