using Mesh.Admin.V1;
using Mesh.Bench.Support;
using Mesh.Spiffe;

namespace Mesh.Bench.Lifecycle;

/// <summary>Looks every quarter of a second at who holds which certificate, and remembers all that it saw.</summary>
internal sealed class CertificateWatch : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly BenchMesh _mesh;
    private readonly HashSet<(string Id, string Serial)> _leaves = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _looking;

    public CertificateWatch(BenchMesh mesh)
    {
        _mesh = mesh;
        _looking = LookAsync();
    }

    /// <summary>Certificates that a workload was seen with. The watch must have ended.</summary>
    public int LeavesOf(SpiffeId id) => _leaves.Count(leaf => leaf.Id == id.ToString());

    public async Task EndAsync()
    {
        await _stopping.CancelAsync();
        await _looking;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _stopping.Dispose();
    }

    private async Task LookAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            foreach (var identity in (await _mesh.Admin.ListIdentitiesAsync(new ListIdentitiesRequest())).Identities)
            {
                _leaves.Add((identity.SpiffeId, identity.SerialNumber));
            }

            await Task.Delay(Pause, TimeProvider.System, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
