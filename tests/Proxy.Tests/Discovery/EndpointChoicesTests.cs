using System.Net;
using Mesh.Proxy.Discovery;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Proxy.Tests.Discovery;

public sealed class EndpointChoicesTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly EndpointClock _clock;

    public EndpointChoicesTests() => _clock = new EndpointClock(_time);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    public void All_of_a_few_are_tried_each_once(int count)
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(Enumerable.Range(0, count), TryAll(Set(count)).Select(attempt => attempt.Endpoint.Address.Port - 1).Order());
        }
    }

    [Theory]
    [InlineData(9)]
    [InlineData(1_000)]
    public void Of_many_eight_are_tried_each_once(int count)
    {
        var tried = TryAll(Set(count)).Select(attempt => attempt.Endpoint).ToList();

        Assert.Equal(EndpointChoices.MaxAttempts, tried.Distinct().Count());
        Assert.Equal(EndpointChoices.MaxAttempts, tried.Count);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(20)]
    public void Every_endpoint_has_its_share_of_the_first_choices(int count)
    {
        var set = Set(count);
        var first = new int[count];
        for (var i = 0; i < 1_000 * count; i++)
        {
            var choices = set.Choose();
            Assert.True(choices.TryNext(out var attempt));
            attempt.Abandoned();
            first[attempt.Endpoint.Address.Port - 1]++;
        }

        Assert.All(first, share => Assert.InRange(share, 750, 1_250));
    }

    [Fact]
    public void Of_two_the_less_busy_is_first()
    {
        var set = Set(2);
        set.Endpoints[0].BeginAgain();

        Assert.All(Enumerable.Range(0, 100), _ => Assert.Same(set.Endpoints[1], First(set)));
    }

    [Fact]
    public void A_quick_endpoint_is_given_more_connections_than_a_slow_one_until_it_is_that_much_busier()
    {
        var set = Set(2);
        Established(set.Endpoints[0], TimeSpan.FromMilliseconds(40)).Closed();
        Established(set.Endpoints[1], TimeSpan.FromMilliseconds(10)).Closed();

        for (var i = 0; i < 100; i++)
        {
            var choices = set.Choose();
            Assert.True(choices.TryNext(out _));
        }

        Assert.InRange(set.Endpoints[1].Open, 78, 82);
    }

    [Fact]
    public void Once_the_estimates_have_faded_what_is_open_decides()
    {
        var set = Set(2);
        Established(set.Endpoints[0], TimeSpan.FromMilliseconds(10));
        Established(set.Endpoints[1], TimeSpan.FromMilliseconds(400)).Closed();
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Same(set.Endpoints[1], First(set));
    }

    [Fact]
    public void What_has_failed_is_left_out_while_others_are_there()
    {
        var set = Set(20);
        foreach (var endpoint in set.Endpoints[..19])
        {
            endpoint.BeginAgain().Failed();
        }

        Assert.All(Enumerable.Range(0, 100), _ => Assert.Same(set.Endpoints[19], First(set)));
        Assert.All(set.Endpoints[..19].ToArray(), endpoint => Assert.Equal(0, endpoint.Open));
    }

    [Fact]
    public void Where_all_are_set_aside_nothing_is_tried_and_it_is_said_why_until_one_is_due()
    {
        var set = Set(3);
        TryAll(set).ForEach(attempt => attempt.Failed());
        TryAll(set).ForEach(attempt => attempt.Failed());

        var choices = set.Choose();
        Assert.False(choices.TryNext(out _));
        Assert.Equal((false, "fail_fast"), (choices.HasTried, choices.Refusal));

        _time.Advance(TimeSpan.FromMilliseconds(500));
        var tried = TryAll(set);
        Assert.Equal(3, tried.Count);
        Assert.All(tried, attempt => Assert.True(attempt.IsTrial));
        Assert.Empty(TryAll(set));
        tried[0].Established(TimeSpan.FromMilliseconds(1));
        Assert.Same(tried[0].Endpoint, Assert.Single(TryAll(set)).Endpoint);
    }

    [Fact]
    public void A_connection_that_has_failed_at_one_goes_on_to_one_that_is_set_aside_for_long()
    {
        var set = Set(2);
        for (var i = 0; i < 8; i++)
        {
            new EndpointAttempt(set.Endpoints[0], IsTrial: true).Failed();
        }

        _time.Advance(TimeSpan.FromSeconds(1));
        var choices = set.Choose();
        Assert.True(choices.TryNext(out var first));
        Assert.Same(set.Endpoints[1], first.Endpoint);
        first.Failed();

        Assert.True(choices.TryNext(out var second));
        Assert.Same(set.Endpoints[0], second.Endpoint);
        Assert.True(second.IsTrial);
    }

    [Fact]
    public void A_service_without_endpoints_is_another_reason()
    {
        var choices = Set(0).Choose();

        Assert.False(choices.TryNext(out _));
        Assert.Equal("no_endpoints", choices.Refusal);
    }

    [Fact]
    public void To_choose_allocates_nothing()
    {
        var set = Set(1_000);
        foreach (var endpoint in set.Endpoints[..990])
        {
            endpoint.BeginAgain().Failed();
        }

        TryAndAbandon(set, times: 100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        TryAndAbandon(set, times: 1_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Whatever_many_threads_do_nothing_stays_open_and_one_at_a_time_tries_what_is_set_aside()
    {
        var set = new EndpointSet([.. Enumerable.Range(1, 4).Select(Endpoint)], new EndpointClock(TimeProvider.System));
        var trials = new int[5];
        var tooMany = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            var until = TimeProvider.System.GetTimestamp();
            while (TimeProvider.System.GetElapsedTime(until) < TimeSpan.FromSeconds(1))
            {
                var choices = set.Choose();
                while (choices.TryNext(out var attempt))
                {
                    ref var trying = ref trials[attempt.Endpoint.Address.Port];
                    if (attempt.IsTrial && Interlocked.Increment(ref trying) > 1)
                    {
                        Interlocked.Increment(ref tooMany);
                    }

                    var fails = Random.Shared.Next(3) == 0;
                    if (attempt.IsTrial)
                    {
                        Interlocked.Decrement(ref trying);
                    }

                    if (fails)
                    {
                        attempt.Failed();
                        continue;
                    }

                    attempt.Established(TimeSpan.FromMilliseconds(1));
                    attempt.Closed();
                    break;
                }
            }
        })));

        Assert.Equal(0, tooMany);
        Assert.All(set.Endpoints.ToArray(), endpoint => Assert.Equal(0, endpoint.Open));
    }

    private EndpointSet Set(int count) => new([.. Enumerable.Range(1, count).Select(port => new ServiceEndpoint(new IPEndPoint(IPAddress.Loopback, port), null, _clock))], _clock);

    private static ServiceEndpoint Endpoint(int port) => new(new IPEndPoint(IPAddress.Loopback, port), null, new EndpointClock(TimeProvider.System));

    private static EndpointAttempt Established(ServiceEndpoint endpoint, TimeSpan took)
    {
        var attempt = endpoint.BeginAgain();
        attempt.Established(took);
        return attempt;
    }

    private static ServiceEndpoint First(EndpointSet set)
    {
        var choices = set.Choose();
        Assert.True(choices.TryNext(out var attempt));
        attempt.Abandoned();
        return attempt.Endpoint;
    }

    private static List<EndpointAttempt> TryAll(EndpointSet set)
    {
        var choices = set.Choose();
        var tried = new List<EndpointAttempt>();
        while (choices.TryNext(out var attempt))
        {
            tried.Add(attempt);
        }

        return tried;
    }

    private static void TryAndAbandon(EndpointSet set, int times)
    {
        for (var i = 0; i < times; i++)
        {
            var choices = set.Choose();
            while (choices.TryNext(out var attempt))
            {
                attempt.Abandoned();
            }
        }
    }
}
