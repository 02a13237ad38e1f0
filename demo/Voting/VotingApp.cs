using System.Collections.Concurrent;
using Emojivoto.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Emojivoto.Voting;

/// <summary>The workload <c>voting</c>: who has how many votes, for as long as it runs.</summary>
internal static class VotingApp
{
    public static async Task RunAsync(string listen)
    {
        var builder = Hosting.CreateBuilder(listen, HttpProtocols.Http2);
        builder.Services.AddGrpc();
        builder.Services.AddSingleton<Ballot>();
        await using var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.RunAsync();
    }

    private sealed class Ballot
    {
        // Names come from web, which has asked emoji; a bound all the same, since this service can't know that.
        private const int MaxNames = 1_000;

        private readonly ConcurrentDictionary<string, long> _votes = new();

        public bool TryAdd(string shortcode)
        {
            if (!_votes.ContainsKey(shortcode) && _votes.Count >= MaxNames)
            {
                return false;
            }

            _votes.AddOrUpdate(shortcode, 1, (_, votes) => votes + 1);
            return true;
        }

        public IEnumerable<Result> Results() => _votes
            .OrderByDescending(vote => vote.Value).ThenBy(vote => vote.Key, StringComparer.Ordinal)
            .Select(vote => new Result { Shortcode = vote.Key, Votes = vote.Value });
    }

    private sealed class Service(Ballot ballot) : VotingService.VotingServiceBase
    {
        public override Task<VoteResponse> Vote(VoteRequest request, ServerCallContext context) => ballot.TryAdd(request.Shortcode)
            ? Task.FromResult(new VoteResponse())
            : throw new RpcException(new Status(StatusCode.ResourceExhausted, "The ballot is full."));

        public override Task<ResultsResponse> Results(ResultsRequest request, ServerCallContext context) =>
            Task.FromResult(new ResultsResponse { Results = { ballot.Results() } });
    }
}
