using System.Net;
using Google.Protobuf;
using Mesh.Bench.Support.Wire;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Bench.Support.Instances;

/// <summary>An instance of a workload: what it holds, and its next request, which is made before anything is measured.</summary>
internal sealed class Instance(SvidCredential held) : IAsyncDisposable
{
    private const string Certify = "/mesh.proxy.v1.ProxySession/Certify";
    private const string Recover = "/mesh.proxy.v1.Enrollment/Recover";

    private static readonly FetchBundleRequest Greeting = new();

    private WireConnection? _connection;
    private PendingRequest? _pending;
    private WireCall? _call;
    private CertifyResponse? _answer;

    public SvidCredential Held { get; private set; } = held;

    /// <summary>A connection that shows the certificate, as a proxy holds one for its session, and a request to renew over it.</summary>
    public async Task PrepareRenewalAsync(Uri proxyHost, long epoch)
    {
        _call = new WireCall(Certify, Request(epoch));
        _connection = await WireConnection.OpenAsync(proxyHost, Held);
        // A session's connection has carried a watch by the time its proxy renews.
        await _connection.CallAsync(new WireCall("/mesh.proxy.v1.Enrollment/FetchBundle", Greeting));
    }

    /// <summary>The key and the request for <see cref="RecoverAsync"/>, which signs it and connects.</summary>
    public void PrepareRecovery() => _pending ??= new PendingRequest(Held.Svid.Id);

    /// <summary>Sends the request that was made and keeps the answer.</summary>
    public async Task RenewAsync() => _answer = CertifyResponse.Parser.ParseFrom((await _connection!.CallAsync(_call!)).Span);

    /// <summary>Renews as a proxy does whose leaf opens no session any more: over a new connection, the leaf in the message.</summary>
    public async Task RecoverAsync(Uri proxyHost, long epoch, IPAddress source)
    {
        var call = new WireCall(Recover, new RecoverRequest { Certify = Request(epoch), Leaf = ByteString.CopyFrom(Held.Svid.LeafDer.Span) });
        await using var connection = await WireConnection.OpenAsync(proxyHost, null, source);
        _answer = CertifyResponse.Parser.ParseFrom((await connection.CallAsync(call)).Span);
    }

    /// <summary>Holds what was issued from now on, and has no connection any more.</summary>
    public async Task UseAsync()
    {
        if (_answer is { } answer)
        {
            var previous = Held;
            Held = _pending!.Complete([.. answer.Chain.Select(der => der.Memory)]);
            previous.Dispose();
            (_pending, _answer) = (null, null);
        }

        await (_connection?.DisposeAsync() ?? ValueTask.CompletedTask);
        _connection = null;
    }

    public async ValueTask DisposeAsync()
    {
        await (_connection?.DisposeAsync() ?? ValueTask.CompletedTask);
        _pending?.Dispose();
        Held.Dispose();
    }

    private CertifyRequest Request(long epoch)
    {
        PrepareRecovery();
        return new CertifyRequest
        {
            Csr = ByteString.CopyFrom(_pending!.Csr),
            Proof = ByteString.CopyFrom(RenewalProof.Create(Held, _pending.Csr)),
            Epoch = epoch,
        };
    }
}
