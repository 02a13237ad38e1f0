using System.Collections.Concurrent;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Mesh.Spiffe.Tests;

namespace Mesh.Proxy.Tests.Session;

public sealed class WatchLoopTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<WatchRequest> _asked = new();

    private AgentUnderTest _agent = null!;

    [Fact]
    public async Task What_is_pushed_is_in_force()
    {
        _agent.Enrolled();
        Watch(async (send, aborted) =>
        {
            await send(new WatchResponse
            {
                SignedBundle = _agent.Bundle(2),
                Policy = new WorkloadPolicy { Version = 3, DefaultPolicy = DefaultPolicy.Deny },
                Services = { new Service { Name = AgentUnderTest.Service, Version = 4, Endpoints = { new Endpoint { Address = "10.0.0.1:4143" } } } },
            });
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted);
        });

        _ = _agent.RunWatch();

        await Eventually.EqualAsync(1, () => _agent.Services.Endpoints(AgentUnderTest.Service).Count);
        Assert.Equal((2, DefaultPolicy.Deny), (_agent.Identity.Bundles.Bundle.Sequence, _agent.Identity.Policy!.DefaultPolicy));
        Assert.True(_agent.Identity.IsReady);
    }

    [Fact]
    public async Task A_broken_stream_resumes_with_the_versions_that_are_held()
    {
        _agent.Enrolled();
        Watch((send, _) => send(new WatchResponse
        {
            SignedBundle = _agent.Bundle(2),
            Policy = new WorkloadPolicy { Version = 3, DefaultPolicy = DefaultPolicy.Deny },
            Services = { new Service { Name = AgentUnderTest.Service, Version = 4 } },
        }));

        _ = _agent.RunWatch();
        await Eventually.ThatAsync(Advance, asked => asked >= 2, "a second watch");

        var (first, second) = (_asked.ElementAt(0), _asked.ElementAt(1));
        Assert.Equal((1, 0, 0), (first.BundleSequence, first.PolicyVersion, Assert.Single(first.Services).Version));
        Assert.Equal((2, 3, 4), (second.BundleSequence, second.PolicyVersion, Assert.Single(second.Services).Version));
        Assert.NotEmpty(_agent.Log.Of(5304));
    }

    [Fact]
    public async Task A_ProxyHost_whose_issuer_is_newer_than_the_bundle_is_asked_for_one_that_names_it()
    {
        _agent.Enrolled();
        _agent.Identity.Bundles.AcceptFirst(_agent.Bundles.Sign(_agent.East.Bundle with { ControlPlaneIssuers = [] }));
        _agent.Host.On<FetchBundleRequest>("FetchBundle", _ => new FetchBundleResponse { SignedBundle = _agent.Bundle(2) });
        Watch((_, aborted) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted));

        _ = _agent.RunWatch();
        await Eventually.ThatAsync(Advance, asked => asked >= 1, "a watch");

        Assert.Equal(2, _asked.First().BundleSequence);
        Assert.NotEmpty(_agent.Log.Of(5201));
    }

    [Fact]
    public async Task A_ProxyHost_that_was_refused_is_not_believed_a_bundle_that_may_not_follow()
    {
        _agent.Enrolled();
        _agent.Identity.Bundles.AcceptFirst(_agent.Bundles.Sign(_agent.East.Bundle with { ControlPlaneIssuers = [] }));
        var foreign = new TestTrustDomain("east.example");
        var fetched = 0;
        _agent.Host.On<FetchBundleRequest>("FetchBundle", _ =>
        {
            fetched++;
            return new FetchBundleResponse { SignedBundle = new TestBundles(foreign).Sign(foreign.Bundle with { Sequence = 2 }).Jws };
        });
        Watch((_, aborted) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted));

        _ = _agent.RunWatch();
        await Eventually.ThatAsync(
            () =>
            {
                Advance();
                return fetched;
            },
            asked => asked >= 2,
            "the bundle is asked for twice");

        Assert.Empty(_asked);
        Assert.Equal(1, _agent.Identity.Bundles.Bundle.Sequence);
    }

    [Fact]
    public async Task A_bundle_that_may_not_follow_is_refused_with_a_line_and_the_rest_is_taken()
    {
        _agent.Enrolled();
        _agent.Identity.Accept(_agent.Bundle(7));
        var foreign = new TestTrustDomain("east.example");
        Watch(async (send, aborted) =>
        {
            await send(new WatchResponse { SignedBundle = _agent.Bundle(6) });
            await send(new WatchResponse { SignedBundle = new TestBundles(foreign).Sign(foreign.Bundle with { Sequence = 8 }).Jws });
            await send(new WatchResponse { SignedBundle = "nonsense", Policy = new WorkloadPolicy { Version = 1, DefaultPolicy = DefaultPolicy.Deny } });
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted);
        });

        _ = _agent.RunWatch();

        await Eventually.ThatAsync(() => _agent.Identity.IsReady, ready => ready, "the policy");
        Assert.Equal(3, _agent.Log.Of(5302).Count());
        Assert.Equal(7, _agent.Identity.Bundles.Bundle.Sequence);
    }

    [Fact]
    public async Task The_stream_moves_to_the_next_certificate()
    {
        _agent.Enrolled();
        Watch((_, aborted) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted));
        _ = _agent.RunWatch();
        await Eventually.EqualAsync(1, () => _asked.Count);

        _agent.Identity.Use(_agent.East.Credential(_agent.East.Web));

        await Eventually.EqualAsync(2, () => _asked.Count);
        Assert.Empty(_agent.Log.Of(5304));
    }

    [Fact]
    public async Task Services_that_are_discovered_are_watched_by_one_new_stream_that_resumes_with_what_is_held()
    {
        _agent.Enrolled();
        Watch((_, aborted) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted));
        _ = _agent.RunWatch();
        await Eventually.EqualAsync(1, () => _asked.Count);

        _agent.Services.Discovered(new Service { Name = "emoji.shop:8080", Version = 5 });
        _agent.Services.Discovered(new Service { Name = "web.shop:80", Version = 6 });
        await Eventually.ThatAsync(Advance, asked => asked >= 2, "a second watch");

        Assert.Equal(
            [("emoji.shop:8080", 5), (AgentUnderTest.Service, 0), ("web.shop:80", 6)],
            _asked.ElementAt(1).Services.Select(service => (service.Name, service.Version)).Order());
        Assert.Empty(_agent.Log.Of(5304));
    }

    [Fact]
    public async Task A_ProxyHost_that_follows_no_more_services_is_asked_for_fewer_and_never_less_than_what_was_configured()
    {
        _agent.Enrolled();
        for (var i = 0; i < 5; i++)
        {
            _agent.Services.Discovered(new Service { Name = $"s-{i}.shop:80", Version = 1 });
        }

        _agent.Host.OnStream<WatchRequest>("Watch", (request, _, aborted) =>
        {
            _asked.Enqueue(request);
            return request.Services.Count > 1
                ? throw new Grpc.Core.RpcException(new Grpc.Core.Status(Grpc.Core.StatusCode.ResourceExhausted, "too many"))
                : Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted);
        });

        _ = _agent.RunWatch();
        await Eventually.ThatAsync(Advance, asked => asked >= 4, "a watch that is admitted");

        Assert.Equal([6, 3, 2, 1], _asked.Select(request => request.Services.Count));
        Assert.Equal(AgentUnderTest.Service, Assert.Single(_asked.Last().Services).Name);
        Assert.NotEmpty(_agent.Log.Of(5305));
    }

    [Fact]
    public async Task It_waits_for_the_first_certificate()
    {
        Watch((_, aborted) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted));
        _ = _agent.RunWatch();
        Assert.Empty(_asked);

        _agent.Enrolled();

        await Eventually.EqualAsync(1, () => _asked.Count);
    }

    public async ValueTask InitializeAsync() => _agent = await AgentUnderTest.CreateAsync();

    public ValueTask DisposeAsync() => _agent.DisposeAsync();

    private int Advance()
    {
        _agent.Clock.Advance(TimeSpan.FromSeconds(1));
        return _asked.Count;
    }

    private void Watch(Func<Func<Google.Protobuf.IMessage, Task>, CancellationToken, Task> answer) =>
        _agent.Host.OnStream<WatchRequest>("Watch", (request, send, aborted) =>
        {
            _asked.Enqueue(request);
            return answer(send, aborted);
        });
}
