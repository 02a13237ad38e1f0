using Mesh.Grains.Interfaces.Errors;
using Mesh.Grains.Interfaces.Issuers;
using Mesh.Grains.Interfaces.Workloads;
using Mesh.Spiffe;

namespace Mesh.Grains.Tests.Support;

/// <summary>
/// What a proxy's or ProxyHost's agent does, without its process: renews on <see cref="RenewalSchedule"/>, keeps a request until its
/// answer has come, tries again, and takes no bundle that may not follow the one that it holds.
/// </summary>
internal sealed class ScheduledInstance(SpiffeId id, TimeProvider clock, Random random) : IDisposable
{
    private PendingRequest? _pending;
    private SignedBundle? _held;
    private int _failures;

    public SpiffeId Id => id;

    public SvidCredential Credential { get; private set; } = null!;

    /// <summary>When it wants its next certificate, or tries again.</summary>
    public DateTimeOffset Due { get; private set; }

    /// <summary>Certificates that it has taken into use.</summary>
    public int Certificates { get; private set; }

    /// <summary>Tries that failed.</summary>
    public int Failures { get; private set; }

    /// <summary>Why the last tries failed, and when.</summary>
    public Queue<string> LastFailures { get; } = [];

    public async Task EnrollAsync(MeshCluster mesh)
    {
        var token = (await mesh.Trust.CreateJoinTokenAsync(id, TimeSpan.FromHours(1), [new Uri("https://127.0.0.1:8086")])).Text;
        _pending = new PendingRequest(id);
        var issued = await (id.Role == IdentityRole.Workload
            ? mesh.Grains.GetGrain<IWorkloadGrain>(id.ToString()).EnrollAsync(_pending.Csr, new TokenEvidence(token), "proxyhost-0", CancellationToken.None)
            : SignerOf(mesh).SignAsync(new SignRequest(id, _pending.Csr, new TokenEvidence(token), 0), CancellationToken.None));
        _held = SignedBundle.Parse(issued.SignedBundle);
        Use(issued);
    }

    /// <summary>One try. What a silo that dies or starts can cause is a failure and is tried again; a refusal is the test's.</summary>
    /// <returns>What was issued; null after a failure.</returns>
    public async Task<IssuedSvid?> RenewAsync(MeshCluster mesh, CancellationToken killed)
    {
        var pending = _pending ??= new PendingRequest(id);
        var evidence = new RenewalEvidence(Credential.Svid.LeafDer, RenewalProof.Create(Credential, pending.Csr));
        try
        {
            var issued = await (id.Role == IdentityRole.Workload
                ? mesh.RenewAsync(new SignRequest(id, pending.Csr, evidence, _held!.Bundle.Epoch))
                : SignerOf(mesh).SignAsync(new SignRequest(id, pending.Csr, evidence, _held!.Bundle.Epoch), CancellationToken.None)).WaitAsync(killed);
            Follow(issued.SignedBundle);
            Use(issued);
            return issued;
        }
        catch (Exception e) when (e is not MeshException { Error: not (MeshError.NotReady or MeshError.Stale) } and not BundleRejectedException)
        {
            (_failures, Failures) = (_failures + 1, Failures + 1);
            LastFailures.Enqueue($"{clock.GetUtcNow():T} {e.GetType().Name}: {e.Message}");
            if (LastFailures.Count > 5)
            {
                LastFailures.Dequeue();
            }

            Due = clock.GetUtcNow() + RenewalSchedule.RetryIn(Credential.Svid, _failures, clock.GetUtcNow(), random.NextDouble());
            return null;
        }
    }

    /// <summary>Takes a bundle as a watch brings it.</summary>
    public void Follow(string signedBundle)
    {
        if (signedBundle == _held!.Jws)
        {
            return;
        }

        var next = SignedBundle.Parse(signedBundle);
        if (next.Bundle.Sequence > _held.Bundle.Sequence)
        {
            next.VerifySuccessor(_held.Bundle, clock.GetUtcNow());
            _held = next;
        }
    }

    public void Dispose()
    {
        _pending?.Dispose();
        Credential?.Dispose();
    }

    private void Use(IssuedSvid issued)
    {
        Credential?.Dispose();
        Credential = _pending!.Complete(issued.Chain);
        (_pending, _failures) = (null, 0);
        Certificates++;
        Due = clock.GetUtcNow() + RenewalSchedule.RenewIn(Credential.Svid, clock.GetUtcNow(), random.NextDouble());
    }

    private static ISignerGrain SignerOf(MeshCluster mesh) => mesh.Grains.GetGrain<ISignerGrain>($"{MeshCluster.TrustDomain}/control-plane");
}
