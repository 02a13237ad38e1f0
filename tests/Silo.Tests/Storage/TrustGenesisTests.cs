using Mesh.Silo.Storage;
using Mesh.Silo.Tests.Support;

namespace Mesh.Silo.Tests.Storage;

public class TrustGenesisTests(PostgreSqlFixture postgreSql)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, ClassData(typeof(EveryStore))]
    public async Task Silos_that_start_at_once_on_an_empty_store_share_one_anchor(StoreProvider provider)
    {
        await using var store = await TestStore.OpenAsync(provider, postgreSql);
        IStoreDatabase[] silos = [store.Database, await store.OpenAnotherAsync(), await store.OpenAnotherAsync(), await store.OpenAnotherAsync()];

        var created = await Task.WhenAll(silos.Select(silo => Task.Run(() => TestTrust.Genesis(store, silo).CreateOrLoadAsync(TestStore.TrustDomain, Cancel))));

        Assert.Single(created.Select(state => state.ActiveAnchor.KeyHash).Distinct());
        Assert.Single(created.Select(state => state.SignedBundle).Distinct());
    }
}
