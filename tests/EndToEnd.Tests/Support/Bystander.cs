using System.Collections.Concurrent;
using Grpc.Core;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Tests.Processes;

namespace Mesh.EndToEnd.Tests.Support;

/// <summary>Another proxy, which calls all the while that something goes on, and remembers how it was served.</summary>
internal sealed class Bystander : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly MeshUnderTest _mesh;
    private readonly SvidCredential _credential;
    private readonly TestProxy _proxy;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<TimeSpan> _answers = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly Task _calling;

    private Bystander(MeshUnderTest mesh, SvidCredential credential)
    {
        (_mesh, _credential) = (mesh, credential);
        _proxy = new TestProxy(mesh.ProxyHostUrl, credential);
        _calling = CallAsync();
    }

    public static async Task<Bystander> StartAsync(MeshUnderTest mesh) =>
        new(mesh, (await TestProxy.EnrollAsync(mesh, $"bystander-{Guid.NewGuid():N}"[..20])).Credential);

    /// <summary>Every call was answered in time, and one over a new connection is too.</summary>
    public async Task WasServedAsync()
    {
        var before = _answers.Count;
        await Eventually.TrueAsync(() => _answers.Count > before || !_failures.IsEmpty, "the bystander is answered once more");
        Assert.Empty(_failures);
        using var newcomer = new TestProxy(_mesh.ProxyHostUrl, _credential);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"bystander: {_answers.Count} calls, slowest {_answers.Max().TotalMilliseconds:0} ms; over a new connection {(await AskAsync(newcomer)).TotalMilliseconds:0} ms");
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _calling;
        _stopping.Dispose();
        _proxy.Dispose();
        _credential.Dispose();
    }

    private async Task CallAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                _answers.Enqueue(await AskAsync(_proxy));
            }
            catch (RpcException e)
            {
                _failures.Enqueue(e.Status.ToString());
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<TimeSpan> AskAsync(TestProxy proxy)
    {
        var started = TimeProvider.System.GetTimestamp();
        await proxy.Session.ResolveAsync(
            new ResolveRequest { Service = "web.shop:80" }, deadline: (TimeProvider.System.GetUtcNow() + Patience).UtcDateTime);
        return TimeProvider.System.GetElapsedTime(started);
    }
}
