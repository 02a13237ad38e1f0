using System.Collections.Immutable;
using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.ProxyHost.Renewals;
using Mesh.Spiffe;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.ProxyHost.Tests.Renewals;

/// <summary>Renewals go alone while nothing is under way, together where many come, and never wait for long.</summary>
public sealed class RenewalLanesTests
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _clock = new();
    private readonly List<Call> _calls = [];
    private readonly RenewalLanes _lanes;

    public RenewalLanesTests() => _lanes = new RenewalLanes(
        (lane, requests) =>
        {
            var call = new Call(lane, requests);
            lock (_calls)
            {
                _calls.Add(call);
            }

            return call.Outcomes.Task;
        },
        CallTimeout,
        _clock);

    [Fact]
    public async Task The_first_goes_at_once_and_what_comes_meanwhile_goes_together_when_it_is_back()
    {
        var first = RenewAsync(1);
        var others = new[] { RenewAsync(2), RenewAsync(3) };
        Assert.Equal([1L], Assert.Single(_calls).Numbers);

        _calls[0].Answer();
        Assert.Equal("1", (await first).InstanceId);
        await CallsAsync(2);

        Assert.Equal([2L, 3L], _calls[1].Numbers);
        _calls[1].Answer();
        Assert.Equal(["2", "3"], (await Task.WhenAll(others)).Select(svid => svid.InstanceId));
    }

    [Fact]
    public void Enough_go_by_themselves_beside_what_is_under_way_as_long_as_there_are_lanes()
    {
        var all = Enumerable.Range(0, 1 + (RenewalLanes.Lanes * RenewalLanes.Enough)).Select(number => RenewAsync(number)).ToList();

        Assert.Equal([1, .. Enumerable.Repeat(RenewalLanes.Enough, RenewalLanes.Lanes - 1)], _calls.Select(call => call.Numbers.Count));
        Assert.Equal(RenewalLanes.Lanes, _calls.Select(call => call.Lane).Distinct().Count());
        Assert.All(all, renewal => Assert.False(renewal.IsCompleted));
    }

    [Fact]
    public async Task No_call_takes_more_than_a_grain_does()
    {
        var all = Enumerable.Range(0, 400).Select(number => RenewAsync(number)).ToList();
        for (var answered = 0; answered < _calls.Count; answered++)
        {
            _calls[answered].Answer();
            await Task.WhenAll(_calls[answered].Numbers.Select(number => all[(int)number]));
            await Task.Delay(20, TestContext.Current.CancellationToken);
            _clock.Advance(RenewalLanes.Patience);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Equal(Enumerable.Range(0, 400).Select(number => (long)number), _calls.SelectMany(call => call.Numbers).Order());
        Assert.InRange(_calls.Max(call => call.Numbers.Count), RenewalLanes.Enough, IRenewalGrain.MostAtOnce);
        Assert.All(all, renewal => Assert.True(renewal.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Few_do_not_wait_for_a_call_that_does_not_come_back()
    {
        var lost = RenewAsync(1);
        var few = RenewAsync(2);

        await AdvanceUntilAsync(2);
        Assert.Equal([2L], _calls[1].Numbers);
        Assert.NotEqual(_calls[0].Lane, _calls[1].Lane);
        _calls[1].Answer();

        Assert.Equal("2", (await few).InstanceId);
        Assert.False(lost.IsCompleted);
        _clock.Advance(CallTimeout);
        await Assert.ThrowsAsync<TimeoutException>(() => lost);
    }

    [Fact]
    public async Task A_refusal_is_for_the_one_it_is_for_and_a_call_that_fails_for_all_of_it()
    {
        var alone = RenewAsync(1);
        var (refused, served) = (RenewAsync(2), RenewAsync(3));
        _calls[0].Outcomes.SetException(new MeshException(MeshError.NotReady, "no issuer"));
        Assert.Equal(MeshError.NotReady, (await Assert.ThrowsAsync<MeshException>(() => alone)).Error);
        await CallsAsync(2);

        _calls[1].Outcomes.SetResult([RenewalOutcome.Of(new MeshException(MeshError.SupersededKey, "another")), Issued(3)]);

        Assert.Equal(MeshError.SupersededKey, (await Assert.ThrowsAsync<MeshException>(() => refused)).Error);
        Assert.Equal("3", (await served).InstanceId);
    }

    [Fact]
    public async Task Who_has_gone_is_not_renewed()
    {
        using var leaving = new CancellationTokenSource();
        var first = RenewAsync(1);
        var gone = RenewUntilAsync(2, leaving.Token);
        var stays = RenewAsync(3);
        await leaving.CancelAsync();
        _calls[0].Answer();
        await first;
        await CallsAsync(2);

        Assert.Equal([3L], _calls[1].Numbers);
        _calls[1].Answer();
        await stays;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
    }

    private Task<IssuedSvid> RenewAsync(long number) => RenewUntilAsync(number, TestContext.Current.CancellationToken);

    private Task<IssuedSvid> RenewUntilAsync(long number, CancellationToken cancellationToken) => _lanes.RenewAsync(
        new SignRequest(SpiffeId.Parse("spiffe://east.example/ns/shop/sa/web"), default, new RenewalEvidence(default, default), number), cancellationToken);

    private static RenewalOutcome Issued(long number) =>
        RenewalOutcome.Of(new IssuedSvid([], default, number.ToString(System.Globalization.CultureInfo.InvariantCulture), null, ""));

    private Task CallsAsync(int count) => UntilAsync(count, () => { });

    private Task AdvanceUntilAsync(int count) => UntilAsync(count, () => _clock.Advance(RenewalLanes.Patience));

    private async Task UntilAsync(int count, Action meanwhile)
    {
        for (var i = 0; i < 200 && _calls.Count < count; i++)
        {
            meanwhile();
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Equal(count, _calls.Count);
    }

    // The epoch that a request names stands for its number.
    private sealed record Call(int Lane, ImmutableArray<SignRequest> Requests)
    {
        public TaskCompletionSource<ImmutableArray<RenewalOutcome>> Outcomes { get; } = new();

        public IReadOnlyList<long> Numbers => [.. Requests.Select(request => request.Epoch)];

        public void Answer() => Outcomes.SetResult([.. Numbers.Select(Issued)]);
    }
}
