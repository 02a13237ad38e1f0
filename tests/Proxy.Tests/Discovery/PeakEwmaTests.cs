using Mesh.Proxy.Discovery;

namespace Mesh.Proxy.Tests.Discovery;

public sealed class PeakEwmaTests
{
    private PeakEwma _latency;

    [Fact]
    public void What_nothing_is_known_of_is_worth_a_try_and_the_first_observation_says_it_all()
    {
        Assert.Equal(1, Estimate(0), 3);

        _latency.Observe(TimeSpan.FromMilliseconds(5), 0);

        Assert.Equal(5, Estimate(0), 3);
    }

    [Fact]
    public void A_slower_connection_counts_at_once_and_a_faster_one_by_the_time_that_has_passed()
    {
        _latency.Observe(TimeSpan.FromMilliseconds(5), 0);
        _latency.Observe(TimeSpan.FromMilliseconds(80), 160);
        Assert.Equal(80, Estimate(160), 3);

        _latency.Observe(TimeSpan.FromMilliseconds(20), 160);
        Assert.Equal(80, Estimate(160), 3);

        // After the decay time the older one has 1/e of the weight.
        _latency.Observe(TimeSpan.FromMilliseconds(20), 10_160);
        Assert.Equal((80 / Math.E) + (20 * (1 - (1 / Math.E))), Estimate(10_160), 2);
    }

    [Fact]
    public void What_was_seen_long_ago_fades_and_never_below_the_floor()
    {
        _latency.Observe(TimeSpan.FromMilliseconds(100), 0);

        Assert.Equal(100 / Math.E, Estimate(10_000), 2);
        Assert.Equal(1, Estimate(3_600_000), 3);
        _latency.Observe(TimeSpan.Zero, 3_600_000);
        Assert.Equal(1, Estimate(3_600_000), 3);
    }

    [Fact]
    public void A_clock_that_was_read_before_the_last_observation_sees_no_time_passed()
    {
        _latency.Observe(TimeSpan.FromMilliseconds(100), 5_000);

        Assert.Equal(100, Estimate(4_000), 3);
    }

    [Fact]
    public async Task Observations_of_many_threads_leave_the_slowest_one_standing()
    {
        var shared = new Shared();
        await Task.WhenAll(Enumerable.Range(1, 8).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                shared.Latency.Observe(TimeSpan.FromMilliseconds(thread), 0);
            }
        })));

        Assert.Equal(8, shared.Latency.Estimate(0) / 1_000, 3);
    }

    private double Estimate(long now) => _latency.Estimate(now) / 1_000;

    private sealed class Shared
    {
        public PeakEwma Latency;
    }
}
