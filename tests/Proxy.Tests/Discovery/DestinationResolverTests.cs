using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Proxy.Tests.Discovery;

public sealed class DestinationResolverTests : IDisposable
{
    private const string Voting = "voting.shop:8080";
    private const string VotingId = "spiffe://east.example/ns/shop/sa/voting";

    private static readonly IPEndPoint Address = IPEndPoint.Parse("10.96.0.7:8080");

    private readonly FakeTimeProvider _time = new();
    private readonly LogCapture _log = new();
    private readonly Source _source = new();
    private readonly ServiceDirectory _services;
    private readonly DestinationResolver _resolver;

    public DestinationResolverTests()
    {
        _services = new ServiceDirectory(["emoji.shop:8080"], _time, _log.Factory.CreateLogger<ServiceDirectory>());
        _resolver = new DestinationResolver(_services, _source, _time, _log.Factory.CreateLogger<DestinationResolver>());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_services_address_leads_to_its_endpoints_and_the_service_is_watched_from_then_on()
    {
        var wanted = _services.WantsAnother;
        _source.Says(Address, ServiceAnswer(3, "10.0.0.1:4143"));

        var destination = await ResolveAsync(Address);

        Assert.Equal((DestinationKind.Service, Voting, 1), (destination.Kind, destination.ServiceName, destination.Endpoints!.Count));
        Assert.True(wanted.IsCompleted);
        Assert.Contains(_services.Versions(), service => service is { Name: Voting, Version: 3 });
        _services.Update(Service(4, "10.0.0.1:4143", "10.0.0.2:4143"));
        Assert.Equal(2, destination.Endpoints.Count);
    }

    [Fact]
    public async Task An_endpoints_address_leads_to_it_alone_and_the_same_answer_again_keeps_what_is_known_of_it()
    {
        _source.Says(Address, EndpointAnswer(VotingId));
        var destination = await ResolveAsync(Address);
        Assert.Equal((DestinationKind.Endpoint, Voting), (destination.Kind, destination.ServiceName));
        Assert.Equal(VotingId, Assert.Single(destination.Endpoints!.Endpoints.ToArray()).Identity!.ToString());

        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Same(destination, await ResolveAsync(Address));
        Assert.Equal(2, _source.Asked(Address));

        _source.Says(Address, EndpointAnswer(""));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null((await ResolveAsync(Address)).Endpoints!.Endpoints[0].Identity);
    }

    [Fact]
    public async Task What_the_mesh_does_not_know_is_asked_for_again_after_the_time_that_was_said()
    {
        _source.Says(Address, Unknown(5));
        Assert.Equal(DestinationKind.Unknown, (await ResolveAsync(Address)).Kind);
        _source.Says(Address, ServiceAnswer(1));
        Assert.Equal(DestinationKind.Unknown, (await ResolveAsync(Address)).Kind);

        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(DestinationKind.Service, (await ResolveAsync(Address)).Kind);
        Assert.Equal(2, _source.Asked(Address));
    }

    [Fact]
    public async Task What_is_known_is_answered_at_once_without_allocating()
    {
        _source.Says(Address, ServiceAnswer(3, "10.0.0.1:4143"));
        await ResolveAsync(Address);
        Again(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Again(1_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1, _source.Asked(Address));

        void Again(int times)
        {
            for (var i = 0; i < times; i++)
            {
                Assert.NotNull(AtOnce(Address));
            }
        }
    }

    [Fact]
    public async Task Many_who_ask_at_once_ask_one_question()
    {
        var answer = _source.Holds(Address);
        var waiting = Enumerable.Range(0, 100).Select(_ => ResolveAsync(Address)).ToList();
        await Eventually.EqualAsync(1, () => _source.Asked(Address));
        answer.SetResult(ServiceAnswer(1));

        Assert.Single((await Task.WhenAll(waiting)).Distinct());
        Assert.Equal(1, _source.Asked(Address));
    }

    [Fact]
    public async Task Who_gives_up_waiting_stops_nobody_elses_question()
    {
        var answer = _source.Holds(Address);
        using var impatient = new CancellationTokenSource();
        var first = _resolver.ResolveAsync(Address, impatient.Token).AsTask();
        var second = ResolveAsync(Address);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        answer.SetResult(ServiceAnswer(1));

        Assert.Equal(DestinationKind.Service, (await second).Kind);
    }

    [Fact]
    public async Task Where_nobody_ever_answered_the_connection_is_refused_after_a_second_with_a_line()
    {
        _ = _source.Holds(Address);
        var waiting = ResolveAsync(Address);
        await Eventually.EqualAsync(1, () => _source.Asked(Address));
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Same(Destination.NotResolved, await waiting);
        Assert.Contains("10.96.0.7:8080", Assert.Single(_log.Of(5505)), StringComparison.Ordinal);
        _source.Says(Address, ServiceAnswer(1));
        Assert.Equal(DestinationKind.Service, (await ResolveAsync(Address)).Kind);
    }

    [Theory]
    [InlineData(nameof(DestinationKind.Service))]
    [InlineData(nameof(DestinationKind.Endpoint))]
    [InlineData(nameof(DestinationKind.Unknown))]
    public async Task Old_answers_stay_good_while_nobody_answers_and_only_some_connections_wait(string kind)
    {
        _source.Says(Address, kind switch
        {
            nameof(DestinationKind.Service) => ServiceAnswer(1, "10.0.0.1:4143"),
            nameof(DestinationKind.Endpoint) => EndpointAnswer(VotingId),
            _ => Unknown(5),
        });
        await ResolveAsync(Address);
        _source.IsGone = true;
        _time.Advance(TimeSpan.FromDays(1));

        Assert.Equal(kind, (await ResolveAsync(Address)).Kind.ToString());

        Assert.NotNull(AtOnce(Address));
        Assert.Empty(_log.Of(5505));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(kind, (await ResolveAsync(Address)).Kind.ToString());
        Assert.Equal(3, _source.Asked(Address));
    }

    [Fact]
    public async Task An_answer_in_use_is_asked_for_anew_before_it_ends_and_nobody_waits()
    {
        _source.Says(Address, Unknown(10));
        await ResolveAsync(Address);
        _time.Advance(TimeSpan.FromSeconds(8));
        _source.Says(Address, ServiceAnswer(1));

        Assert.NotNull(AtOnce(Address));

        await Eventually.EqualAsync(DestinationKind.Service, () => AtOnce(Address)!.Kind);
        Assert.Equal(2, _source.Asked(Address));
    }

    [Fact]
    public async Task An_address_that_a_push_takes_from_its_service_is_asked_for_again_at_once()
    {
        _source.Says(Address, ServiceAnswer(1, "10.0.0.1:4143"));
        await ResolveAsync(Address);
        _services.Update(new Service { Name = Voting, Version = 2 });
        _source.Says(Address, Unknown(5));

        Assert.Equal(DestinationKind.Unknown, (await ResolveAsync(Address)).Kind);

        // And it is not what is held on to.
        _source.Says(Address, ServiceAnswer(3));
        _time.Advance(TimeSpan.FromSeconds(5));
        await ResolveAsync(Address);
        _services.Update(new Service { Name = Voting, Version = 4 });
        _source.IsGone = true;
        Assert.Equal(DestinationKind.NotResolved, (await ResolveAsync(Address)).Kind);
    }

    [Fact]
    public async Task An_older_answer_does_not_undo_what_was_pushed()
    {
        _source.Says(Address, ServiceAnswer(1, "10.0.0.1:4143"));
        await ResolveAsync(Address);
        _services.Update(Service(5, "10.0.0.5:4143"));
        _time.Advance(TimeSpan.FromHours(1));

        var destination = await ResolveAsync(Address);

        Assert.Equal("10.0.0.5:4143", destination.Endpoints!.Endpoints[0].Address.ToString());
    }

    [Fact]
    public async Task The_service_that_was_asked_for_longest_ago_makes_room_and_is_asked_for_again_when_it_is_used()
    {
        for (var i = 1; i <= ServiceDirectory.MaxServices; i++)
        {
            await ResolveAsync(Numbered(i));
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.NotNull(AtOnce(Numbered(1)));
        }

        // One place belongs to the service that was configured, so the second one has left by now.
        Assert.Equal(ServiceDirectory.MaxServices, _services.Versions().Count());
        Assert.Contains(_services.Versions(), service => service.Name == "emoji.shop:8080");
        Assert.Contains(_services.Versions(), service => service.Name == "s-1.shop:8080");
        Assert.DoesNotContain(_services.Versions(), service => service.Name == "s-2.shop:8080");
        Assert.Equal(DestinationKind.Service, (await ResolveAsync(Numbered(2))).Kind);
        Assert.Equal(2, _source.Asked(Numbered(2)));
        Assert.DoesNotContain(_services.Versions(), service => service.Name == "s-3.shop:8080");

        _source.IsGone = true;
        Assert.Equal(DestinationKind.Service, (await ResolveAsync(Numbered(3))).Kind);
        Assert.NotNull(AtOnce(Numbered(3)));

        IPEndPoint Numbered(int i)
        {
            var address = new IPEndPoint(new IPAddress([10, 97, (byte)(i >> 8), (byte)i]), 8080);
            var service = new Service { Name = $"s-{i}.shop:8080", Version = 1, Addresses = { address.Address.ToString() } };
            _source.Says(address, new ResolveAddressResponse { Service = service, HoldsFor = Duration.FromTimeSpan(TimeSpan.FromHours(1)) });
            return address;
        }
    }

    [Fact]
    public async Task A_service_that_the_mesh_has_no_room_to_push_is_reached_all_the_same_and_asked_for_every_few_seconds()
    {
        Assert.False(_services.ForgetHalf());
        _source.Says(Address, ServiceAnswer(1, "10.0.0.1:4143"));
        var destination = await ResolveAsync(Address);

        Assert.Equal("emoji.shop:8080", Assert.Single(_services.Versions()).Name);
        Assert.NotNull(AtOnce(Address));
        var endpoint = destination.Endpoints!.Endpoints[0];
        _source.Says(Address, ServiceAnswer(2, "10.0.0.2:4143", "10.0.0.1:4143"));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Same(destination, await ResolveAsync(Address));
        Assert.Equal((2, 2), (_source.Asked(Address), destination.Endpoints.Count));
        Assert.Same(endpoint, destination.Endpoints.Endpoints[1]);

        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Same(destination, await ResolveAsync(Address));
        Assert.Equal(2, _services.Versions().Count());
        _time.Advance(TimeSpan.FromSeconds(40));
        Assert.NotNull(AtOnce(Address));
    }

    [Fact]
    public async Task Strange_addresses_without_number_are_not_all_remembered_and_drive_no_service_out()
    {
        _source.Says(Address, ServiceAnswer(1));
        await ResolveAsync(Address);
        for (var i = 0; i < 2 * DestinationResolver.MaxAnswers; i++)
        {
            await ResolveAsync(new IPEndPoint(new IPAddress([192, 0, (byte)(i >> 8), (byte)i]), 443));
        }

        Assert.NotNull(AtOnce(Address));
        Assert.Equal(1, _source.Asked(Address));
        Assert.Equal(2 * DestinationResolver.MaxAnswers, _source.AskedInAll - 1);
    }

    [Fact]
    public async Task No_more_than_so_many_questions_are_open_and_what_is_too_many_is_refused_at_once()
    {
        List<IPEndPoint> addresses = [.. Enumerable.Range(1, DestinationResolver.MaxQuestions).Select(port => new IPEndPoint(IPAddress.Loopback, port))];
        var answers = addresses.Select(_source.Holds).ToList();
        var waiting = addresses.Select(ResolveAsync).ToList();

        Assert.Same(Destination.NotResolved, await ResolveAsync(Address));

        answers.ForEach(answer => answer.SetResult(Unknown(5)));
        await Task.WhenAll(waiting);
        Assert.Equal(DestinationKind.Unknown, (await ResolveAsync(Address)).Kind);
    }

    [Fact]
    public async Task What_cannot_be_read_is_refused_and_never_taken_for_unknown()
    {
        _source.Says(Address, EndpointAnswer("spiffe://East.example/ns/shop/sa/voting"));
        Assert.Same(Destination.NotResolved, await ResolveAsync(Address));
        Assert.Single(_log.Of(5506));
        _source.Says(Address, new ResolveAddressResponse { Service = new Service { Name = "voting" } });
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Same(Destination.NotResolved, await ResolveAsync(Address));
    }

    [Fact]
    public async Task IPv4_written_as_IPv6_is_the_same_address()
    {
        _source.Says(Address, ServiceAnswer(1));

        Assert.Same(await ResolveAsync(Address), await ResolveAsync(IPEndPoint.Parse("[::ffff:10.96.0.7]:8080")));
        Assert.Equal(1, _source.Asked(Address));
    }

    public void Dispose() => _log.Dispose();

    private Task<Destination> ResolveAsync(IPEndPoint address) => _resolver.ResolveAsync(address, Cancel).AsTask();

    // Null where it has to be waited for.
    private Destination? AtOnce(IPEndPoint address)
    {
        var answer = _resolver.ResolveAsync(address, Cancel);
        return answer.IsCompletedSuccessfully ? answer.Result : null;
    }

    private static Service Service(long version, params string[] endpoints) => new()
    {
        Name = Voting,
        Version = version,
        Addresses = { Address.Address.ToString() },
        Endpoints = { endpoints.Select(endpoint => new Endpoint { Address = endpoint, SpiffeId = VotingId }) },
    };

    private static ResolveAddressResponse ServiceAnswer(long version, params string[] endpoints) =>
        new() { Service = Service(version, endpoints), HoldsFor = Duration.FromTimeSpan(TimeSpan.FromMinutes(1)) };

    private static ResolveAddressResponse EndpointAnswer(string id) => new()
    {
        Endpoint = new EndpointOfService { Service = Voting, Endpoint = new Endpoint { Address = Address.ToString(), SpiffeId = id } },
        HoldsFor = Duration.FromTimeSpan(TimeSpan.FromSeconds(10)),
    };

    private static ResolveAddressResponse Unknown(int seconds) => new() { HoldsFor = Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds)) };

    // A ProxyHost as a test wants it: what it was not told of it does not know.
    private sealed class Source : IAddressSource
    {
        private readonly ConcurrentDictionary<IPEndPoint, Task<ResolveAddressResponse>> _answers = new();
        private readonly ConcurrentDictionary<IPEndPoint, int> _asked = new();

        public bool IsGone { get; set; }

        public int AskedInAll => _asked.Values.Sum();

        public int Asked(IPEndPoint address) => _asked.GetValueOrDefault(address);

        public void Says(IPEndPoint address, ResolveAddressResponse answer) => _answers[address] = Task.FromResult(answer);

        public TaskCompletionSource<ResolveAddressResponse> Holds(IPEndPoint address)
        {
            var answer = new TaskCompletionSource<ResolveAddressResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
            _answers[address] = answer.Task;
            return answer;
        }

        public async Task<ResolveAddressResponse?> ResolveAsync(IPEndPoint address, CancellationToken limit)
        {
            _asked.AddOrUpdate(address, 1, (_, count) => count + 1);
            if (IsGone)
            {
                return null;
            }

            try
            {
                return await _answers.GetOrAdd(address, _ => Task.FromResult(Unknown(5))).WaitAsync(limit);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }
    }
}
