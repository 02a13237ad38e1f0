using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Mesh.Admin.V1;
using Mesh.Bench.Support;
using Mesh.Bench.Support.Instances;
using Mesh.Bench.Support.Wire;
using Mesh.Spiffe;

namespace Mesh.Bench.Issuing;

/// <summary>
/// The issuer that signs for workloads is revoked, and every instance comes for a certificate under its successor, as a proxy does:
/// over a new connection, by the key of the leaf that is void now, and again after a while where it is refused.
/// </summary>
internal sealed class Reissue(BenchMesh mesh, IReadOnlyList<Instance> instances)
{
    // Proxies come from as many machines; a ProxyHost has a limit for each address.
    private const int Machines = 200;

    /// <summary>Tries that were refused.</summary>
    public int Refusals => _refusals;

    private int _refusals;

    /// <summary>How long it takes from the command until all hold a leaf of the successor.</summary>
    /// <param name="atOnce">How many are under way at the most.</param>
    public async Task<TimeSpan> RunAsync(Uri proxyHost, int atOnce)
    {
        await Parallel.ForEachAsync(instances, (instance, _) =>
        {
            instance.PrepareRecovery();
            return ValueTask.CompletedTask;
        });
        var signing = (await mesh.Admin.GetTrustDomainAsync(new GetTrustDomainRequest())).Issuers.Single(issuer => issuer is { Purpose: "workload", Stage: "active" });
        using var limit = new SemaphoreSlim(atOnce);
        var started = TimeProvider.System.GetTimestamp();
        var trust = await mesh.Admin.RevokeIssuerAsync(new RevokeIssuerRequest { KeyHash = signing.KeyHash, Reason = "bench" });
        await Task.WhenAll(instances.Select((instance, i) => Task.Run(() => RecoverAsync(instance, i, proxyHost, trust.Epoch, limit))));
        var took = TimeProvider.System.GetElapsedTime(started);
        foreach (var instance in instances)
        {
            await instance.UseAsync();
            using var issuer = X509CertificateLoader.LoadCertificate(instance.Held.Svid.Chain[1].Span);
            if (KeyHash.OfPublicKey(issuer.PublicKey.ExportSubjectPublicKeyInfo()).ToString() == signing.KeyHash)
            {
                throw new InvalidOperationException($"{instance.Held} was issued under the issuer that had been revoked.");
            }
        }

        return took;
    }

    private async Task RecoverAsync(Instance instance, int number, Uri proxyHost, long epoch, SemaphoreSlim limit)
    {
        var source = new IPAddress([127, 1, (byte)(number % Machines), 1]);
        for (var failures = 1; ; failures++)
        {
            await limit.WaitAsync();
            try
            {
                await instance.RecoverAsync(proxyHost, epoch, source);
                return;
            }
            catch (Exception e) when (e is WireRefusedException or IOException or SocketException or AuthenticationException)
            {
                Interlocked.Increment(ref _refusals);
            }
            finally
            {
                limit.Release();
            }

            await Task.Delay(RenewalSchedule.RetryIn(instance.Held.Svid, failures, TimeProvider.System.GetUtcNow(), Random.Shared.NextDouble()), TimeProvider.System);
        }
    }
}
