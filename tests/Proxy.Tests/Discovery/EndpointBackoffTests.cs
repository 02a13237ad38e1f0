using Mesh.Proxy.Discovery;

namespace Mesh.Proxy.Tests.Discovery;

public sealed class EndpointBackoffTests
{
    private const double NoJitter = 0.5;

    private EndpointBackoff _backoff;

    [Fact]
    public void It_is_set_aside_for_a_time_that_doubles_to_ten_seconds_give_or_take_a_fifth()
    {
        Assert.Equal(
            [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000],
            Enumerable.Range(1, 9).Select(failures => EndpointBackoff.After(failures, NoJitter).TotalMilliseconds));
        Assert.Equal((80, 120), (EndpointBackoff.After(1, 0).TotalMilliseconds, EndpointBackoff.After(1, 1).TotalMilliseconds));
        Assert.Equal(12_000, EndpointBackoff.After(255, 1).TotalMilliseconds);
    }

    [Fact]
    public void What_has_not_failed_any_number_may_try()
    {
        Assert.True(_backoff.TryBegin(0, isLast: false, out var first));
        Assert.True(_backoff.TryBegin(0, isLast: false, out var second));
        Assert.Equal((false, false), (first, second));
    }

    [Fact]
    public void When_its_time_has_passed_one_tries_it_and_nobody_else_until_the_outcome()
    {
        _backoff.Failed(1_000, isTrial: false, NoJitter);
        Assert.False(_backoff.MayTry(1_099, isLast: false));
        Assert.False(_backoff.TryBegin(1_099, isLast: false, out _));

        Assert.True(_backoff.TryBegin(1_100, isLast: false, out var isTrial));
        Assert.True(isTrial);
        Assert.False(_backoff.TryBegin(9_000, isLast: false, out _));

        _backoff.Failed(9_000, isTrial: true, NoJitter);
        Assert.False(_backoff.MayTry(9_199, isLast: false));
        Assert.True(_backoff.TryBegin(9_200, isLast: false, out _));
        _backoff.Succeeded();
        Assert.True(_backoff.TryBegin(9_200, isLast: false, out isTrial));
        Assert.False(isTrial);
    }

    [Fact]
    public void Of_many_that_fail_together_one_counts()
    {
        for (var i = 0; i < 100; i++)
        {
            _backoff.Failed(1_000, isTrial: false, NoJitter);
        }

        Assert.True(_backoff.MayTry(1_100, isLast: false));
    }

    [Fact]
    public void The_last_one_that_is_left_is_tried_after_half_a_second()
    {
        Fail(times: 9);

        Assert.False(_backoff.MayTry(100_499, isLast: true));
        Assert.True(_backoff.MayTry(100_500, isLast: true));
        Assert.False(_backoff.MayTry(109_999, isLast: false));
        Assert.True(_backoff.MayTry(110_000, isLast: false));
    }

    [Fact]
    public void After_a_single_failure_the_last_one_is_tried_again_at_once_by_one_connection()
    {
        Fail(times: 1);

        Assert.False(_backoff.TryBegin(100_000, isLast: false, out _));
        Assert.True(_backoff.TryBegin(100_000, isLast: true, out var isTrial));
        Assert.True(isTrial);
        Assert.False(_backoff.TryBegin(100_000, isLast: true, out _));
        _backoff.Failed(100_000, isTrial, NoJitter);
        Assert.False(_backoff.TryBegin(100_199, isLast: true, out _));
        Assert.True(_backoff.TryBegin(100_200, isLast: true, out _));
    }

    [Fact]
    public void A_trial_that_was_given_up_lets_the_next_one_try_and_one_that_is_never_heard_of_ends_by_itself()
    {
        Fail(times: 3);
        Assert.True(_backoff.TryBegin(200_000, isLast: false, out var isTrial));
        _backoff.Abandoned(isTrial);
        Assert.True(_backoff.TryBegin(200_000, isLast: false, out _));

        Assert.False(_backoff.MayTry(289_999, isLast: true));
        Assert.True(_backoff.MayTry(290_000, isLast: true));
    }

    [Fact]
    public void Giving_up_what_was_no_trial_changes_nothing()
    {
        Fail(times: 1);
        _backoff.Abandoned(isTrial: false);

        Assert.False(_backoff.MayTry(100_099, isLast: false));
    }

    [Fact]
    public void It_remembers_more_failures_than_it_can_count()
    {
        Fail(times: 300);

        Assert.False(_backoff.MayTry(109_999, isLast: false));
    }

    private void Fail(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _backoff.Failed(100_000, isTrial: i > 0, NoJitter);
        }
    }
}
