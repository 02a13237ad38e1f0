using System.Security.Cryptography.X509Certificates;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Issuers;
using Mesh.Grains.Tests.Support;
using Mesh.Grains.TrustDomains;
using Mesh.Spiffe;
using Microsoft.Extensions.DependencyInjection;

namespace Mesh.Grains.Tests.Consistency;

/// <summary>
/// A day of a mesh in virtual time: leaves of two minutes, issuers of an hour, anchors of seven, an operator who rotates them, and a
/// silo that dies again and again. What must hold is looked at whenever time has passed.
/// </summary>
internal sealed class MeshDay : IAsyncDisposable
{
    private static readonly TimeSpan LeafLife = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestStep = TimeSpan.FromSeconds(30);

    // IssuerOptions.PublishFor: so late a verifier may hear of a change.
    private static readonly TimeSpan PublishFor = TimeSpan.FromMinutes(1);

    private readonly MeshStores _stores = new();
    private readonly BundleHistory _history;
    private readonly Random _random;
    private readonly List<ScheduledInstance> _instances;
    private readonly HashSet<string> _serials = [];
    private readonly HashSet<KeyHash> _anchors = [];
    private readonly SvidVerifier _verifier;
    private readonly DateTimeOffset _end;
    private readonly Queue<DateTimeOffset> _kills;
    private readonly DayOperator _operator;
    private MeshCluster? _mesh;
    private string _lastTold = "";

    public MeshDay(int seed, int kills)
    {
        _history = new BundleHistory(_stores.Storage);
        _random = new Random(seed);
        // Clocks agree here, so nothing needs the tolerance for those that differ.
        _verifier = new SvidVerifier(Clock, TimeSpan.Zero);
        _instances = [.. new[] { "web", "voting" }.Select(account => New(SpiffeId.ForWorkload(MeshCluster.TrustDomain, "emojivoto", account))),
            New(SpiffeId.ForProxyHost(MeshCluster.TrustDomain, "proxyhost-0"))];
        _end = Clock.GetUtcNow() + TimeSpan.FromDays(1);
        // One in each equal part of the day, at some time in its first half: a leaf outlasts one death, not two in a row.
        _kills = new Queue<DateTimeOffset>(Enumerable.Range(0, kills).Select(part => Clock.GetUtcNow() + (TimeSpan.FromDays(1) / kills * (part + (_random.NextDouble() / 2)))));
        _operator = new DayOperator(Clock, new Random(_random.Next()));
    }

    private Microsoft.Extensions.Time.Testing.FakeTimeProvider Clock => _stores.Clock;

    public TimeSpan Elapsed => TimeSpan.FromDays(1) - (_end - Clock.GetUtcNow());

    public int Kills { get; private set; }

    private bool IsCrashed => _stores.Faults is { HasCrashed: true, IsDown: true };

    public string Summary =>
        $"{_instances.Sum(instance => instance.Certificates)} certificates, {_instances.Sum(instance => instance.Failures)} failed tries, "
        + $"{Kills} kills, {_history.Count} bundles, {_anchors.Count} anchors, {_operator.Retired} rotated";

    public async Task RunAsync()
    {
        await StartAsync();
        foreach (var instance in _instances)
        {
            await instance.EnrollAsync(_mesh!);
        }

        while (Clock.GetUtcNow() < _end)
        {
            PassTime();
            // Before anybody renews: that is when the least is left.
            Check();
            await StepAsync();
        }

        CheckRecords();
        // The day was what it says: nobody sat it out.
        Assert.All(_instances, instance => Assert.True(instance.Certificates > 900, $"{instance.Id} had {instance.Certificates} certificates."));
        Assert.True(_operator.Retired >= 3, $"{_operator.Retired} anchors were rotated out.");
    }

    public async ValueTask DisposeAsync()
    {
        _instances.ForEach(instance => instance.Dispose());
        if (_mesh is not null)
        {
            await _mesh.DisposeAsync();
        }
    }

    private ScheduledInstance New(SpiffeId id) => new(id, Clock, new Random(_random.Next()));

    private async Task StartAsync() => _mesh = await MeshCluster.StartAsync(_stores, configure: services =>
    {
        services.Configure<AnchorOptions>(anchor => anchor.Lifetime = TimeSpan.FromHours(7));
        services.Configure<IssuerOptions>(issuer => (issuer.Lifetime, issuer.ReconcilePeriod) = (TimeSpan.FromHours(1), TimeSpan.FromMinutes(1)));
        services.Configure<LeafOptions>(leaf => (leaf.Lifetime, leaf.ControlPlaneLifetime) = (LeafLife, LeafLife));
    });

    private void PassTime()
    {
        var now = Clock.GetUtcNow();
        var next = _instances.Select(instance => instance.Due).Append(now + LongestStep).Append(_end).Min();
        if (next > now)
        {
            Clock.Advance(next - now);
        }
    }

    private async Task StepAsync()
    {
        using var killed = new CancellationTokenSource();
        var isKill = _kills.TryPeek(out var due) && due <= Clock.GetUtcNow();
        if (isKill)
        {
            _kills.Dequeue();
            if (_random.Next(2) == 0)
            {
                // It dies at one of its next writes, before or after it is stored; which one that is comes out below, or in a later step.
                _stores.Faults.CrashAt(_random.Next(1, 7), afterCommit: _random.Next(2) == 0);
                isKill = false;
            }
        }

        var steps = _instances.Where(instance => instance.Due <= Clock.GetUtcNow()).Select(instance => RenewAsync(instance, killed.Token))
            .Append(_operator.StepAsync(_mesh!, killed.Token)).Append(PushAsync(killed.Token)).ToList();
        if (isKill || IsCrashed)
        {
            // With whatever is under way.
            await KillAndRestartAsync(killed);
        }

        await Task.WhenAll(steps);
        if (IsCrashed)
        {
            await KillAndRestartAsync(killed);
        }
    }

    private async Task RenewAsync(ScheduledInstance instance, CancellationToken killed)
    {
        if (await instance.RenewAsync(_mesh!, killed) is { } issued)
        {
            _history.CheckTold(issued.SignedBundle);
            Assert.True(_serials.Add(instance.Credential.Svid.SerialNumber), $"Serial number {instance.Credential.Svid.SerialNumber} was seen before.");
        }
    }

    // What the watch brings: at once, or with the next step that a silo is there for.
    private async Task PushAsync(CancellationToken killed)
    {
        try
        {
            var told = (await _mesh!.Trust.GetBundleAsync().WaitAsync(killed)).SignedBundle;
            if (told != _lastTold)
            {
                _history.CheckTold(_lastTold = told);
                // The others hear of it with their next certificate, and skip what came between.
                _instances[0].Follow(told);
            }
        }
        catch (Exception e) when (e is OrleansException or OperationCanceledException or IOException or MeshException { Error: MeshError.NotReady or MeshError.Stale })
        {
            // The next step asks again.
        }
    }

    private async Task KillAndRestartAsync(CancellationTokenSource killed)
    {
        Kills++;
        _stores.Faults.IsDown = true;
        await _mesh!.KillAsync(0);
        await killed.CancelAsync();
        await _mesh.DisposeAsync();
        _mesh = null;
        Clock.Advance(TimeSpan.FromSeconds(20) * _random.NextDouble());
        Check();
        _stores.Faults.Restart();
        await StartAsync();
    }

    private void Check()
    {
        _history.Check();
        var now = Clock.GetUtcNow();
        var (newest, stalest) = (_history.Newest, _history.At(now - PublishFor));
        _anchors.UnionWith(newest.Anchors.Where(anchor => anchor.Stage == AnchorStage.Active).Select(anchor => anchor.KeyHash));
        foreach (var instance in _instances)
        {
            foreach (var bundle in new[] { newest, stalest }.Distinct())
            {
                var verdict = _verifier.Verify(instance.Credential.Svid.Chain, bundle, instance.Id);
                Assert.True(verdict.IsValid, $"{instance.Id} is refused under the bundle signed at {bundle.SignedAt:T}: {verdict.Detail} Last tries that failed: {string.Join("; ", instance.LastFailures)}");
            }
        }
    }

    // All that was ever recorded, answers that were lost on their way too.
    private void CheckRecords()
    {
        var records = _stores.Issuance.Records;
        Assert.Equal(records.Count, records.Select(record => X509Svid.Parse([record.Leaf]).SerialNumber).Distinct().Count());
        var ends = records.DistinctBy(record => record.Issuer).ToDictionary(record => record.Issuer, record =>
        {
            using var issuer = X509CertificateLoader.LoadCertificate(record.IssuerCertificate.Span);
            return new DateTimeOffset(issuer.NotAfter);
        });
        Assert.All(records, record => Assert.True(X509Svid.Parse([record.Leaf]).NotAfter <= ends[record.Issuer], $"A leaf outlives its issuer {record.Issuer}."));
        Assert.True(ends.Count > 48, $"{ends.Count} issuers have signed.");
    }
}
