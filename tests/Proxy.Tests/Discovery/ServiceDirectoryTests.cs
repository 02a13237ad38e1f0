using Mesh.Proxy.Discovery;
using Mesh.Proxy.Tests.Support;
using Mesh.Proxy.V1;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Tests.Discovery;

public sealed class ServiceDirectoryTests : IDisposable
{
    private const string Voting = "voting.shop:8080";
    private const string VotingId = "spiffe://east.example/ns/shop/sa/voting";

    private readonly LogCapture _log = new();
    private readonly ServiceDirectory _services;

    public ServiceDirectoryTests() =>
        _services = new ServiceDirectory([Voting, "emoji.shop:8080", Voting], TimeProvider.System, _log.Factory.CreateLogger<ServiceDirectory>());

    [Fact]
    public void It_asks_for_the_services_that_it_was_configured_for_and_names_the_versions_that_it_holds()
    {
        Assert.Equal([("emoji.shop:8080", 0), (Voting, 0)], Versions());

        Update(7, ("10.0.0.1:4143", VotingId));

        Assert.Equal([("emoji.shop:8080", 0), (Voting, 7)], Versions());
    }

    [Fact]
    public void What_was_pushed_takes_the_place_of_what_was_there()
    {
        Update(1, ("10.0.0.1:4143", VotingId), ("10.0.0.2:4143", VotingId));
        Update(2, ("10.0.0.3:8080", ""));

        var endpoint = Assert.Single(Endpoints());
        Assert.Equal(("10.0.0.3:8080", null), (endpoint.Address.ToString(), endpoint.Identity));
    }

    [Fact]
    public void A_service_that_nobody_asked_for_is_not_kept()
    {
        _services.Update(new Service { Name = "other.shop:80", Version = 1, Endpoints = { new Endpoint { Address = "10.0.0.1:80" } } });

        Assert.Equal(0, _services.Endpoints("other.shop:80").Count);
        Assert.Equal(2, _services.Versions().Count());
    }

    [Theory]
    [InlineData("10.0.0.2", VotingId)]
    [InlineData("10.0.0.2:0", VotingId)]
    [InlineData("voting.local:4143", VotingId)]
    [InlineData("", VotingId)]
    [InlineData("10.0.0.2:4143", "spiffe://East.example/ns/shop/sa/voting")]
    [InlineData("10.0.0.2:4143", "voting")]
    [InlineData("10.0.0.2:4143", " ")]
    public void An_endpoint_that_cannot_be_read_is_left_out_with_a_line_and_never_reached_without_its_identity(string address, string id)
    {
        Update(1, (address, id), ("10.0.0.1:4143", VotingId));

        Assert.Equal("10.0.0.1:4143", Assert.Single(Endpoints()).Address.ToString());
        Assert.Contains(Voting, Assert.Single(_log.Of(5502)), StringComparison.Ordinal);
    }

    [Fact]
    public void An_endpoint_that_is_pushed_again_keeps_what_is_known_of_it_and_one_with_another_identity_is_another()
    {
        Update(1, ("10.0.0.1:4143", VotingId), ("10.0.0.2:4143", VotingId));
        var before = Endpoints();
        Assert.True(before[0].TryBegin(_services.Endpoints(Voting).Now, isLast: false, out _));

        Update(2, ("10.0.0.2:4143", ""), ("10.0.0.1:4143", VotingId), ("10.0.0.3:4143", VotingId));

        var after = Endpoints();
        Assert.Same(before[0], after[1]);
        Assert.Equal([0, 1, 0], after.Select(endpoint => endpoint.Open));
        Assert.Null(after[0].Identity);
        Assert.NotSame(before[1], after[0]);
    }

    public void Dispose() => _log.Dispose();

    private void Update(long version, params (string Address, string Id)[] endpoints)
    {
        var service = new Service { Name = Voting, Version = version };
        service.Endpoints.AddRange(endpoints.Select(endpoint => new Endpoint { Address = endpoint.Address, SpiffeId = endpoint.Id }));
        _services.Update(service);
    }

    private ServiceEndpoint[] Endpoints() => _services.Endpoints(Voting).Endpoints.ToArray();

    private IEnumerable<(string Name, long Version)> Versions() =>
        _services.Versions().Select(service => (service.Name, service.Version)).OrderBy(service => service.Name);
}
