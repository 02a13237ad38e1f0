using Mesh.Grains.Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Issuers;
using Mesh.Grains.Keys;
using Mesh.Grains.Tests.Support;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Grains.Tests.TrustDomains.Model;

/// <summary>
/// The trust domain's own rules over a store that dies: what <see cref="TrustDomainGrain"/> does, without a grain. Each stored
/// state and each leaf is shown to the model, which judges them.
/// </summary>
internal sealed class TrustMachine
{
    public static readonly TimeSpan LeafLife = TimeSpan.FromMinutes(2);

    // Mostly shorter than a leaf's life, so that leaves see what comes.
    private static readonly int[] WaitSeconds = [3, 20, 30, 30, 50, 61, 61, 61, 90, 240, 1_200, 10_800];

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly StoreFaults _faults = new();
    private readonly PooledKeyStore _keys;
    private readonly AuthorityFactory _authorities;
    private readonly AuthorityRotator _rotator;
    private readonly IssuerOptions _issuers = new() { Lifetime = TimeSpan.FromHours(1) };
    private readonly TrustModel _model;
    private TrustDomainState _stored;

    public TrustMachine()
    {
        _keys = new PooledKeyStore(_faults);
        _authorities = new AuthorityFactory(_keys, Options.Create(new AnchorOptions()), Options.Create(_issuers), _clock);
        _rotator = new AuthorityRotator(_authorities, Options.Create(_issuers), Options.Create(new LeafOptions { Lifetime = LeafLife, ControlPlaneLifetime = LeafLife }), _clock);
        _model = new TrustModel(_clock, _issuers.PublishFor);
        _stored = Done(BeginAsync());
        _model.Stored(_stored, TrustEvent.Wait);
    }

    public void Run(TrustStep step)
    {
        for (var again = step.Repeats ? 2 : 1; again > 0; again--)
        {
            if (step.CrashAt > 0)
            {
                _faults.CrashAt(step.CrashAt, step.AfterCommit);
            }

            try
            {
                Done(RunAsync(step));
            }
            catch (IOException) when (_faults.HasCrashed)
            {
                // The next process reads what is stored.
            }
            catch (MeshException e) when (e.Error is MeshError.Conflict or MeshError.LimitReached)
            {
                // Refused, and nothing changed: no state was stored.
            }

            _faults.Restart();
            _model.Check();
        }
    }

    /// <summary>However it came to where it is: after a few reminders it is at rest, and signs.</summary>
    public void Settle()
    {
        for (var reminders = 0; reminders < 3; reminders++)
        {
            _clock.Advance(_issuers.ReconcilePeriod);
            Run(new TrustStep(TrustEvent.Tick, 0, 0, false, false));
        }

        foreach (var purpose in Enum.GetValues<AuthorityPurpose>())
        {
            Assert.True(_stored.ActiveIssuer(purpose)!.NotAfter > _clock.GetUtcNow(), $"The {purpose} issuer has ended for good.");
            Assert.InRange(_stored.Issuers.Count(issuer => issuer.Purpose == purpose && issuer.Anchor == _stored.ActiveAnchor.KeyHash), 1, 3);
        }
    }

    private static T Done<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static void Done(Task task) => task.GetAwaiter().GetResult();

    private async Task<TrustDomainState> BeginAsync()
    {
        var name = MeshCluster.TrustDomain;
        var anchor = await _authorities.CreateAnchorAsync(name, AnchorStage.Active, default);
        return await SealAsync(new TrustDomainState
        {
            Name = name.Name,
            Sequence = TrustDomainState.FirstSequence(_clock.GetUtcNow()),
            Epoch = 1,
            Anchors = [anchor, await _authorities.CreateAnchorAsync(name, AnchorStage.Standby, default)],
            Issuers =
            [
                await _authorities.CreateIssuerAsync(name, AuthorityPurpose.Workload, IssuerStage.Active, anchor, default),
                await _authorities.CreateIssuerAsync(name, AuthorityPurpose.ControlPlane, IssuerStage.Active, anchor, default),
            ],
            BundleSigner = await _authorities.CreateBundleSignerAsync(name, anchor, default),
            TokenKeys = [await _authorities.CreateTokenKeyAsync(default)],
        });
    }

    private async Task RunAsync(TrustStep step)
    {
        var (now, which) = (_clock.GetUtcNow(), step.Which);
        var purpose = which % 2 == 0 ? AuthorityPurpose.Workload : AuthorityPurpose.ControlPlane;
        switch (step.Event)
        {
            case TrustEvent.Wait:
                _clock.Advance(TimeSpan.FromSeconds(WaitSeconds[which % WaitSeconds.Length]));
                break;
            case TrustEvent.Tick:
                for (var steps = 0; await _rotator.StepAsync(_stored, default) is { } next; steps++)
                {
                    Assert.True(steps < 20, "A reminder never comes to its end.");
                    await CommitAsync(next, step.Event);
                }

                break;
            case TrustEvent.Issue:
                await IssueAsync(_stored, purpose, which);
                break;
            case TrustEvent.IssueByStaleSigner:
                await IssueAsync(_model.AsOf(now - TimeSpan.FromSeconds(5)), purpose, which);
                break;
            case TrustEvent.RotateIssuer:
                await CommitAsync(await _rotator.RotateIssuerAsync(_stored, purpose, default), step.Event);
                break;
            case TrustEvent.RevokeIssuer:
                await CommitAsync(await _rotator.RevokeIssuerAsync(_stored, _stored.Issuers[which % _stored.Issuers.Length], false, "drill", default), step.Event);
                break;
            case TrustEvent.RevokeAnchor:
                var revoked = _stored.Anchors[which % _stored.Anchors.Length];
                await CommitAsync(await _rotator.RevokeAnchorAsync(_stored, revoked, SuccessorOf(revoked), "drill", default), step.Event);
                break;
            case TrustEvent.StartAnchor when _stored.Anchor(AnchorStage.Prepared) is null && _stored.Anchor(AnchorStage.Retiring) is null:
                await CommitAsync(await _rotator.StartAnchorAsync(_stored, null, default), step.Event);
                break;
            case TrustEvent.ActivateAnchor when _stored.Anchor(AnchorStage.Prepared) is { } prepared && IsReady(prepared, now):
                await CommitAsync(_rotator.ActivateAnchor(_stored, prepared), step.Event);
                break;
            case TrustEvent.RetireAnchor when _stored.Anchor(AnchorStage.Retiring) is { } retiring && _stored.HoldersOf(retiring, _model.Live(), now).Count == 0:
                await CommitAsync(await _rotator.RetireAnchorAsync(_stored, retiring, default), step.Event);
                break;
            case TrustEvent.AbortAnchor when _stored.Anchor(AnchorStage.Prepared) is { } aborted:
                await CommitAsync(_stored.WithoutPreparedAnchor(aborted), step.Event);
                break;
            case TrustEvent.Ban when _stored.Bans.All(ban => ban.Id != IdOf(which) || !ban.Stands):
                await CommitAsync(_stored.WithBan(IdOf(which), "drill", now), step.Event);
                break;
            case TrustEvent.Unban when _stored.Bans.FirstOrDefault(ban => ban.Id == IdOf(which) && ban.Stands) is { } ban:
                await CommitAsync(_stored.WithLiftedBan(ban, now), step.Event);
                break;
            default:
                break;
        }
    }

    // The operator waits until everybody has acknowledged the bundle with the new anchor, and both its issuers are there.
    private bool IsReady(AnchorRecord prepared, DateTimeOffset now) => now >= prepared.Since + _issuers.PublishFor
        && Enum.GetValues<AuthorityPurpose>().All(purpose => _stored.PreparedIssuer(purpose, prepared.KeyHash) is { } issuer && issuer.NotAfter > now);

    private AnchorRecord? SuccessorOf(AnchorRecord revoked) => revoked.Stage != AnchorStage.Active
        ? null
        : _stored.Anchor(AnchorStage.Standby) ?? _stored.Anchor(AnchorStage.Prepared) ?? _stored.Anchor(AnchorStage.Retiring)
            ?? throw new MeshException(MeshError.Conflict, "It is the only one.");

    private async Task IssueAsync(TrustDomainState known, AuthorityPurpose purpose, int which)
    {
        var issuer = known.ActiveIssuer(purpose)!;
        using var key = await _keys.LoadAsync(issuer.KeyHash, purpose == AuthorityPurpose.Workload ? KeyUse.WorkloadIssuer : KeyUse.ControlPlaneIssuer, default);
        var validity = Validity.From(_clock.GetUtcNow(), LeafLife).Within(issuer.NotAfter).Backdated(SvidProfile.Backdating);
        var id = purpose == AuthorityPurpose.Workload ? IdOf(which) : SpiffeId.ForProxyHost(MeshCluster.TrustDomain, "proxyhost-0");
        if (validity.NotAfter > _clock.GetUtcNow() && known.Bans.All(ban => ban.Id != id || !ban.Stands))
        {
            var leaf = LeafCertificate.Create(id, "instance", TrustModel.LeafKey, new Signer(issuer.Certificate, key!), validity);
            _model.Issued(id, issuer, [leaf, issuer.Certificate], validity.NotAfter);
        }
    }

    private static SpiffeId IdOf(int which) => SpiffeId.ForWorkload(MeshCluster.TrustDomain, "emojivoto", $"account-{which / 2 % 2}");

    private async Task CommitAsync(TrustDomainState next, TrustEvent cause)
    {
        if (ReferenceEquals(next, _stored))
        {
            return;
        }

        next = next.WithoutSpentBans(TimeSpan.FromDays(7), _clock.GetUtcNow());
        next = await SealAsync(next with { Sequence = next.Sequence + 1, Epoch = next.Epoch + 1 });
        _faults.Write(() =>
        {
            _stored = next;
            _model.Stored(next, cause);
            return 0;
        });
    }

    private Task<TrustDomainState> SealAsync(TrustDomainState state) => new BundleSealer(_keys, _clock).SealAsync(state, default);
}
