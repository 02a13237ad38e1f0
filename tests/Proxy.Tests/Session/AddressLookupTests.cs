using System.Net;
using Grpc.Core;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;

namespace Mesh.Proxy.Tests.Session;

public sealed class AddressLookupTests : IAsyncLifetime
{
    private static readonly IPEndPoint Address = IPEndPoint.Parse("10.96.0.7:8080");

    private AgentUnderTest _agent = null!;

    [Fact]
    public async Task It_asks_the_ProxyHost_and_again_where_that_could_not_say()
    {
        _agent.Enrolled();
        var asked = 0;
        _agent.Host.On<ResolveAddressRequest>("ResolveAddress", request => ++asked == 1
            ? throw new RpcException(new Status(StatusCode.Unavailable, "no silo answers"))
            : new ResolveAddressResponse { Service = new Service { Name = request.Address } });

        var answer = _agent.Lookup.ResolveAsync(Address, TestContext.Current.CancellationToken);
        await Eventually.ThatAsync(
            () =>
            {
                _agent.Clock.Advance(TimeSpan.FromMilliseconds(100));
                return answer.IsCompleted;
            },
            isCompleted => isCompleted,
            "an answer");

        Assert.Equal("10.96.0.7:8080", (await answer)!.Service.Name);
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Where_nobody_answers_in_time_there_is_no_answer()
    {
        _agent.Enrolled();
        _agent.Host.OnStream<ResolveAddressRequest>("ResolveAddress", (_, _, aborted) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted));
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        Assert.Null(await _agent.Lookup.ResolveAsync(Address, limit.Token));
    }

    [Fact]
    public async Task Before_the_first_certificate_there_is_nobody_to_ask() =>
        Assert.Null(await _agent.Lookup.ResolveAsync(Address, TestContext.Current.CancellationToken));

    public async ValueTask InitializeAsync() => _agent = await AgentUnderTest.CreateAsync();

    public ValueTask DisposeAsync() => _agent.DisposeAsync();
}
