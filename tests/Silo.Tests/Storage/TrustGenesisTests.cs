using Mesh.Grains.Issuers;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Tests.Storage;

public class TrustGenesisTests(PostgreSqlFixture postgreSql)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Silos_that_start_at_once_on_an_empty_store_share_one_anchor(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        IStoreDatabase[] silos = [store.Database, await store.OpenAnotherAsync(), await store.OpenAnotherAsync(), await store.OpenAnotherAsync()];
        // The key files are made before, as by copying them.
        _ = store.KeyStore();

        var created = await Task.WhenAll(silos.Select(silo => Task.Run(() => Genesis(store, silo).CreateOrLoadAsync(TestStore.TrustDomain, Cancel))));

        Assert.Single(created.Select(state => state.ActiveAnchor.KeyHash).Distinct());
        Assert.Single(created.Select(state => state.SignedBundle).Distinct());
    }

    private static TrustGenesis Genesis(TestStore store, IStoreDatabase database)
    {
        var keys = store.KeyStore(database);
        var (anchors, issuers) = (Options.Create(new AnchorOptions()), Options.Create(new IssuerOptions()));
        var authorities = new AuthorityFactory(keys, anchors, issuers, TimeProvider.System);
        var leaves = Options.Create(new LeafOptions());
        return new TrustGenesis(
            store.GrainStorage(database),
            authorities,
            new AuthorityRotator(authorities, issuers, leaves, TimeProvider.System),
            new CertificateInstaller(keys, leaves, TimeProvider.System),
            new BundleSealer(keys, TimeProvider.System),
            new GivenAnchors(keys, anchors, issuers, TimeProvider.System),
            anchors,
            TimeProvider.System);
    }
}
