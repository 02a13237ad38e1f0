using Mesh.Admin.V1;
using Mesh.Bench.Support;
using Mesh.Spiffe;

namespace Mesh.Bench.Lifecycle;

/// <summary>Looks every quarter of a second at who holds which certificate and which issuers sign, and remembers all that it saw.</summary>
internal sealed class CertificateWatch : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly BenchMesh _mesh;
    private readonly HashSet<(string Id, string Serial)> _leaves = [];
    private readonly HashSet<string> _issuers = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _looking;

    public CertificateWatch(BenchMesh mesh)
    {
        _mesh = mesh;
        _looking = LookAsync();
    }

    /// <summary>Issuers that took over from another, of either purpose. The watch must have ended.</summary>
    public int Successions => _issuers.Count - 2;

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

            var trust = await _mesh.Admin.GetTrustDomainAsync(new GetTrustDomainRequest());
            _issuers.UnionWith(trust.Issuers.Where(issuer => issuer.Stage == "active").Select(issuer => issuer.KeyHash));
            await Task.Delay(Pause, TimeProvider.System, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
