using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Mesh.Proxy.Discovery;
using Mesh.Proxy.Identity;
using Mesh.Proxy.Metrics;
using Mesh.Proxy.Session;
using Mesh.Proxy.Transport;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Mesh.Spiffe.Tests;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Mesh.Proxy.Tests.Support;

/// <summary>A proxy's side of the control plane, in front of a ProxyHost that a test plays.</summary>
internal sealed class AgentUnderTest : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-proxy-test-");
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _running = [];
    private readonly ProxyHostClient _proxyHosts;

    private AgentUnderTest(TestTrustDomain east, FakeProxyHost host, TimeSpan? trustLease)
    {
        (East, Host) = (east, host);
        Bundles = new TestBundles(east);
        Folder = new EnrollmentFolder(Path.Combine(_folder.FullName, "data"));
        Identity = new WorkloadIdentity(Folder, Clock, trustLease);
        Services = new ServiceDirectory([Service], Clock, Log.Factory.CreateLogger<ServiceDirectory>());
        _proxyHosts = new ProxyHostClient(Identity, [], Clock, Log.Factory.CreateLogger<ProxyHostClient>());
        using var tokenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var token = JoinToken.Create(east.Web, Clock.GetUtcNow(), TimeSpan.FromHours(1), [east.Anchor.KeyHash], [host.Address]).Sign(tokenKey, "key-1");
        File.WriteAllText(TokenFile, token);
        Host.On<FetchBundleRequest>("FetchBundle", _ => new FetchBundleResponse { SignedBundle = Bundle(1) });
    }

    public const string Service = "voting.shop:8080";

    public TestTrustDomain East { get; }

    public FakeProxyHost Host { get; }

    public TestBundles Bundles { get; }

    public EnrollmentFolder Folder { get; }

    public FakeTimeProvider Clock { get; } = new(TestTrustDomain.Now);

    public WorkloadIdentity Identity { get; }

    public ServiceDirectory Services { get; }

    public EdgeBook Edges { get; } = new();

    public LogCapture Log { get; } = new();

    public string TokenFile => Path.Combine(_folder.FullName, "token");

    public static async Task<AgentUnderTest> CreateAsync(TimeSpan? trustLease = null)
    {
        var east = new TestTrustDomain("east.example");
        return new AgentUnderTest(east, await FakeProxyHost.StartAsync(east.Credential(SpiffeId.ForProxyHost(east.Name, "proxyhost-0"))), trustLease);
    }

    /// <summary>What the trust domain publishes, signed.</summary>
    public string Bundle(long sequence) => Bundles.Sign(East.Bundle with { Sequence = sequence }).Jws;

    /// <summary>A certificate for the key of a CSR, as the mesh issues it.</summary>
    public CertifyResponse Certificate(ByteString csr, long bundleSequence)
    {
        var request = CertificateRequest.LoadSigningRequest(
            csr.ToByteArray(), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
        var now = Clock.GetUtcNow();
        var leaf = East.Leaf(East.Web, spec =>
        {
            spec.Key = request.PublicKey.GetECDsaPublicKey()!;
            spec.NotBefore = now - SvidProfile.Backdating;
            spec.NotAfter = now.AddHours(1);
        });
        return new CertifyResponse
        {
            Chain = { ByteString.CopyFrom(leaf.Der), ByteString.CopyFrom(East.WorkloadIssuer.Der) },
            NotAfter = now.AddHours(1).ToTimestamp(),
            SignedBundle = Bundle(bundleSequence),
        };
    }

    /// <summary>Hands it a certificate and a bundle, as if it had enrolled.</summary>
    public void Enrolled()
    {
        // The addresses first, as in an enrollment: with a certificate in use a session may open at once.
        _proxyHosts.UseAddressesOf(new JoinTokenSource(Folder, TokenFile).Read());
        Identity.Bundles.AcceptFirst(Bundles.Sign(East.Bundle));
        Identity.Use(East.Credential(East.Web));
    }

    public Task RunAgent() => RunAgent(new JoinTokenSource(Folder, TokenFile));

    /// <summary>With evidence from elsewhere than the token file. Where it names no addresses, the host's is known.</summary>
    public Task RunAgent(IEnrollmentSource source) =>
        Run(new IdentityAgent(Identity, _proxyHosts, Folder, source, Clock, Log.Factory.CreateLogger<IdentityAgent>()).RunAsync);

    public Task RunWatch() => Run(new WatchLoop(Identity, _proxyHosts, Services, Clock, Log.Factory.CreateLogger<WatchLoop>()).RunAsync);

    public AddressLookup Lookup => field ??= new(Identity, _proxyHosts, Clock);

    public LiveConnections Connections => field ??= new(Identity, new RefusalCounters(), Log.Factory.CreateLogger<LiveConnections>());

    /// <summary>The trust domain's word about the bundle that is held, as of now.</summary>
    public string Confirmation() => BundleConfirmation.Of(Identity.Bundles.Held!, Clock.GetUtcNow()).Sign(Bundles.Key);

    public Task RunLease() => Run(new LeaseLoop(Identity, _proxyHosts, Connections, Clock, Log.Factory.CreateLogger<LeaseLoop>()).RunAsync);

    public Task RunReporter(TimeSpan interval) =>
        Run(new Reporter(Identity, _proxyHosts, Edges, Connections, interval, Clock, Log.Factory.CreateLogger<Reporter>()).RunAsync);

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _proxyHosts.Dispose();
        await Host.DisposeAsync();
        _stopping.Dispose();
        _folder.Delete(recursive: true);
    }

    private Task Run(Func<CancellationToken, Task> run)
    {
        _running.Add(run(_stopping.Token));
        return _running[^1];
    }
}
