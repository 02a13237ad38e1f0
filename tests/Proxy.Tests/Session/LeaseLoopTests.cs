using Grpc.Core;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Tests.Session;

/// <summary>A proxy with a trust lease, in virtual time: the lease is kept, runs out when the word stays away, and comes back unaided.</summary>
public sealed class LeaseLoopTests : IAsyncLifetime
{
    private static readonly TimeSpan Length = TimeSpan.FromMinutes(1);

    private AgentUnderTest _agent = null!;
    private int _asked;
    private int _ended;
    private volatile bool _isCut;

    [Fact]
    public async Task While_the_word_comes_the_lease_never_runs_out()
    {
        var began = _agent.Clock.GetUtcNow();
        for (var quarter = 0; quarter < 12; quarter++)
        {
            await AskedInTimeAsync(quarter + 1);
            Assert.True(_agent.Identity.Lease.Holds);
            _agent.Clock.Advance(Length / 4);
        }

        Assert.True(_agent.Clock.GetUtcNow() - began >= 3 * Length);

        Assert.Equal(0, _ended);
        Assert.Empty(_agent.Log.Of(5902));
    }

    [Fact]
    public async Task Cut_off_it_ends_what_is_open_when_the_lease_runs_out_and_comes_back_with_the_path()
    {
        await AskedAsync(1);
        using var open = _agent.Connections.Add("inbound", _agent.Identity.Credential!.Svid.Chain, () => Interlocked.Increment(ref _ended));
        _isCut = true;

        await PassAsync(Length - TimeSpan.FromSeconds(1));
        Assert.Equal((true, 0), (_agent.Identity.Lease.Holds, _ended));
        await PassAsync(TimeSpan.FromSeconds(1));

        await Eventually.ThatAsync(() => _ended, ended => ended == 1, "the open connection is ended");
        Assert.False(_agent.Identity.IsReady);
        Assert.Single(_agent.Log.Of(5902));
        // Said once, however often it was asked in vain.
        Assert.Single(_agent.Log.Of(5901));
        // What the lease ended is not what a bundle has voided.
        Assert.Equal(0, _agent.Connections.Ended);

        _isCut = false;
        await PassAsync(TimeSpan.FromSeconds(10));
        await Eventually.ThatAsync(() => _agent.Identity.Lease.Holds, holds => holds, "the lease holds again");
        await Eventually.ThatAsync(() => _agent.Log.Of(5903).Count(), said => said >= 1, "and says so");
    }

    [Fact]
    public async Task A_ProxyHost_that_hands_out_the_same_word_for_ever_does_not_keep_the_lease()
    {
        await AskedAsync(1);
        var replay = _agent.Confirmation();
        _agent.Host.On<ConfirmBundleRequest>("ConfirmBundle", _ => new ConfirmBundleResponse { Confirmation = replay });

        await PassAsync(Length);

        await Eventually.ThatAsync(() => _agent.Log.Of(5902).Count(), said => said == 1, "the lease has ended");
    }

    public async ValueTask InitializeAsync()
    {
        _agent = await AgentUnderTest.CreateAsync(Length);
        _agent.Host.On<ConfirmBundleRequest>("ConfirmBundle", _ =>
        {
            if (_isCut)
            {
                throw new RpcException(new Status(StatusCode.Unavailable, "cut off"));
            }

            Interlocked.Increment(ref _asked);
            return new ConfirmBundleResponse { Confirmation = _agent.Confirmation() };
        });
        _agent.Enrolled();
        _agent.Identity.Use(new WorkloadPolicy { Version = 1 });
        _ = _agent.RunLease();
    }

    public ValueTask DisposeAsync() => _agent.DisposeAsync();

    private async Task AskedAsync(int times) =>
        await Eventually.ThatAsync(() => (_asked, _agent.Identity.Lease.Holds), seen => seen.Holds && seen._asked >= times, "the lease is confirmed");

    // The loop may not have begun to wait yet when the time was moved on; then it waits for a little more of it.
    private async Task AskedInTimeAsync(int times)
    {
        for (var second = 0; second < 10 && Volatile.Read(ref _asked) < times; second++)
        {
            for (var i = 0; i < 50 && Volatile.Read(ref _asked) < times; i++)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
            }

            _agent.Clock.Advance(TimeSpan.FromSeconds(Volatile.Read(ref _asked) < times ? 1 : 0));
        }

        await AskedAsync(times);
    }

    // In steps that a waiting loop can follow.
    private async Task PassAsync(TimeSpan time)
    {
        for (var left = time; left > TimeSpan.Zero; left -= TimeSpan.FromSeconds(1))
        {
            _agent.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}
