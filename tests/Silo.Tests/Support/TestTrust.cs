using Mesh.Grains.Issuers;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Storage;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Tests.Support;

/// <summary>What makes and restores a trust domain in a store, put together as a silo does, with default options.</summary>
internal static class TestTrust
{
    public static TrustGenesis Genesis(TestStore store, IStoreDatabase? database = null)
    {
        var (authorities, rotator) = Authorities(store, database);
        var (keys, anchors) = (store.KeyStore(database), Options.Create(new AnchorOptions()));
        return new TrustGenesis(
            store.GrainStorage(database),
            authorities,
            rotator,
            new CertificateInstaller(keys, Options.Create(new LeafOptions()), TimeProvider.System),
            new BundleSealer(keys, TimeProvider.System),
            new GivenAnchors(keys, anchors, Options.Create(new IssuerOptions()), TimeProvider.System),
            anchors,
            TimeProvider.System);
    }

    public static TrustRestoration Restoration(TestStore store) =>
        new(Authorities(store, null).Rotator, new BundleSealer(store.KeyStore(), TimeProvider.System), TimeProvider.System);

    private static (AuthorityFactory Factory, AuthorityRotator Rotator) Authorities(TestStore store, IStoreDatabase? database)
    {
        var issuers = Options.Create(new IssuerOptions());
        var authorities = new AuthorityFactory(store.KeyStore(database), Options.Create(new AnchorOptions()), issuers, TimeProvider.System);
        return (authorities, new AuthorityRotator(authorities, issuers, Options.Create(new LeafOptions()), TimeProvider.System));
    }
}
