using System.Collections.Immutable;
using Mesh.Grains.Interfaces.TrustDomains;
using Mesh.Grains.Issuers;
using Mesh.Grains.TrustDomains;
using Mesh.Tests.Processes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Mesh.Grains.Tests.Support;

/// <summary>A mesh whose first anchor is kept elsewhere, and that anchor's keeper.</summary>
internal sealed class OfflineMesh : IAsyncDisposable
{
    // Some seconds.
    private const int LooksBeforeNextTick = 200;

    private readonly TempFolder _folder;

    private OfflineMesh(MeshCluster mesh, OfflineCa anchor, TempFolder folder) => (Mesh, Anchor, _folder) = (mesh, anchor, folder);

    public MeshCluster Mesh { get; }

    public OfflineCa Anchor { get; }

    public ITrustDomainGrain Trust => Mesh.Trust;

    public DateTimeOffset Now => Mesh.Clock.GetUtcNow();

    private TrustGenesis Genesis => Mesh.Services.GetRequiredService<TrustGenesis>();

    /// <summary>As at its first start: nothing is certified.</summary>
    /// <param name="anchor">Other than one that is good.</param>
    /// <param name="withKey">The anchor's key is handed over.</param>
    /// <param name="otherKey">And it is another one.</param>
    /// <param name="standby">A standby, its certificate alone.</param>
    public static async Task<OfflineMesh> CreateAsync(Func<DateTimeOffset, OfflineCa>? anchor = null, bool withKey = false, bool otherKey = false, OfflineCa? standby = null)
    {
        var (folder, stores) = (new TempFolder(), new MeshStores());
        var ca = anchor?.Invoke(stores.Clock.GetUtcNow()) ?? new OfflineCa(stores.Clock.GetUtcNow());
        await File.WriteAllTextAsync(folder.File("anchor.pem"), ca.Pem);
        if (withKey)
        {
            using var another = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP384);
            await File.WriteAllTextAsync(folder.File("anchor.key"), (otherKey ? another : ca.Key).ExportPkcs8PrivateKeyPem());
            File.SetUnixFileMode(folder.File("anchor.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        if (standby is not null)
        {
            await File.WriteAllTextAsync(folder.File("standby.pem"), standby.Pem);
        }

        var mesh = await MeshCluster.StartAsync(stores, createTrustDomain: false, configure: services => services.Configure<AnchorOptions>(options =>
        {
            options.CertificateFile = folder.File("anchor.pem");
            options.KeyFile = withKey ? folder.File("anchor.key") : null;
            options.StandbyCertificateFile = standby is null ? null : folder.File("standby.pem");
        }));
        return new OfflineMesh(mesh, ca, folder);
    }

    /// <summary>Certified at the first start, and serving.</summary>
    public static async Task<OfflineMesh> StartAsync(OfflineCa? standby = null)
    {
        var offline = await CreateAsync(standby: standby);
        await offline.InstallFirstAsync(Sign(offline.Anchor, await offline.LoadAsync(), offline.Now));
        // The grain is there, and so is its reminder, before the clock is moved.
        await offline.Trust.GetStatusAsync();
        return offline;
    }

    /// <summary>What a silo does when it starts.</summary>
    public Task<TrustDomainState> LoadAsync() => Genesis.CreateOrLoadAsync(MeshCluster.TrustDomain, CancellationToken.None);

    /// <summary>What the store has.</summary>
    public Task<TrustDomainState> ReadAsync() => Genesis.ReadAsync(MeshCluster.TrustDomain);

    /// <summary>As a silo takes certificates that can't serve yet.</summary>
    public Task<TrustDomainState> InstallFirstAsync(params IReadOnlyList<ReadOnlyMemory<byte>> certificates) =>
        Genesis.InstallAsync(MeshCluster.TrustDomain, certificates, CancellationToken.None);

    public async Task<ImmutableArray<AuthorityRequestStatus>> RequestsAsync() => (await Trust.GetStatusAsync()).Requests;

    /// <summary>The requests, once those of all these purposes are there.</summary>
    public async Task<ImmutableArray<AuthorityRequestStatus>> AwaitedAsync(params string[] purposes)
    {
        var looks = 0;
        await Eventually.TrueAsync(
            async () =>
            {
                // Where the machine is busy a reminder may be set again only after the clock was moved: its next tick comes when the clock goes on.
                if (++looks % LooksBeforeNextTick == 0)
                {
                    Mesh.Clock.Advance(TimeSpan.FromMinutes(6));
                }

                return purposes.All((await RequestsAsync()).Select(request => request.Purpose).Contains);
            },
            TestContext.Current.CancellationToken);
        return await RequestsAsync();
    }

    /// <summary>The keeper signs whatever waits for his anchor.</summary>
    public async Task<TrustSnapshot> CertifyAsync(OfflineCa? by = null) => await Trust.InstallCertificatesAsync(
        [.. (await RequestsAsync()).Where(request => request.Anchor == (by ?? Anchor).KeyHash).Select(request => (by ?? Anchor).Sign(request, Now))]);

    public static ReadOnlyMemory<byte>[] Sign(OfflineCa anchor, TrustDomainState state, DateTimeOffset now) =>
        [.. Report(state, now).Requests.Where(request => request.Anchor == anchor.KeyHash).Select(request => anchor.Sign(request, now))];

    public static TrustDomainStatus Report(TrustDomainState state, DateTimeOffset now) => TrustDomainReport.Of(state, new IssuerOptions().RotateAt, now);

    public async Task<AuthorityStatus?> IssuerAsync(string purpose, string stage) =>
        (await Trust.GetStatusAsync()).Issuers.FirstOrDefault(issuer => issuer.Purpose == purpose && issuer.Stage == stage);

    public async ValueTask DisposeAsync()
    {
        await Mesh.DisposeAsync();
        Anchor.Dispose();
        _folder.Dispose();
    }
}
