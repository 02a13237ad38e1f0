using Google.Protobuf;
using Mesh.Bench.Support.Wire;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Bench.Support.Instances;

/// <summary>Instances of two hundred workloads that are enrolled.</summary>
internal sealed class Population : IAsyncDisposable
{
    private const int Workloads = 200;

    private readonly Instance[] _instances;

    private Population(Instance[] instances, Round enrollment) => (_instances, Enrollment) = (instances, enrollment);

    /// <summary>How fast they were enrolled: each with a token of its own, over connections that were open.</summary>
    public Round Enrollment { get; }

    public IReadOnlyList<Instance> Instances => _instances;

    public static async Task<Population> EnrollAsync(BenchMesh mesh, Uri proxyHost, int count, int callers, IReadOnlyList<int> servers)
    {
        var requests = new (PendingRequest Pending, WireCall Call)[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            var token = await mesh.TokenAsync($"bench-{i % Workloads}");
            var pending = new PendingRequest(JoinToken.ParseUnverified(token).Subject);
            requests[i] = (pending, new WireCall("/mesh.proxy.v1.Enrollment/Enroll", new EnrollRequest { Token = token, Csr = ByteString.CopyFrom(pending.Csr) }));
        });

        var connections = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => WireConnection.OpenAsync(proxyHost, null)));
        try
        {
            var answers = new CertifyResponse[count];
            var enrollment = await Round.RunAsync(count, callers, servers, async (caller, i) =>
                answers[i] = CertifyResponse.Parser.ParseFrom((await connections[caller].CallAsync(requests[i].Call)).Span));
            return new Population([.. answers.Select((answer, i) => new Instance(requests[i].Pending.Complete([.. answer.Chain.Select(der => der.Memory)])))], enrollment);
        }
        finally
        {
            await Task.WhenAll(connections.Select(connection => connection.DisposeAsync().AsTask()));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in _instances)
        {
            await instance.DisposeAsync();
        }
    }
}
