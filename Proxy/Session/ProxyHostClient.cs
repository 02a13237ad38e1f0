using System.Net.Security;
using Grpc.Core;
using Grpc.Net.Client;
using Mesh.Proxy.Identity;
using Mesh.Proxy.V1;
using Mesh.Spiffe;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Session;

/// <summary>The connections to ProxyHosts: one session at a time, opened anew with each certificate, moved on when one fails.</summary>
internal sealed partial class ProxyHostClient(
    WorkloadIdentity identity, IReadOnlyList<Uri> configured, TimeProvider clock, ILogger<ProxyHostClient> logger) : IDisposable
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(10);
    private static readonly SslApplicationProtocol[] Alpn = [SslApplicationProtocol.Http2];

    private readonly Lock _gate = new();
    private IReadOnlyList<Uri> _fromTicket = [];
    private int _position;
    private OpenSession? _session;
    private bool _refused;

    /// <summary>When a call that starts now has taken too long.</summary>
    public DateTime Deadline() => (clock.GetUtcNow() + CallLimit).UtcDateTime;

    /// <summary>Takes the addresses that the ticket names; they count unless others were configured.</summary>
    public void UseAddressesOf(EnrollmentTicket ticket)
    {
        lock (_gate)
        {
            _fromTicket = ticket.Addresses;
        }
    }

    /// <summary>The session with the certificate in use. It ends when the next certificate is, or when one of its calls has failed.</summary>
    public OpenSession Session()
    {
        lock (_gate)
        {
            var credential = identity.Credential ?? throw new InvalidOperationException("There is no session before enrollment.");
            if (_session is not { } open || open.Credential != credential)
            {
                // The one before is left to its calls; they end with it.
                _session?.Retire();
                _session = new OpenSession(credential, Open(Address, SvidTls.Client(credential, "mesh", CheckProxyHost, Alpn)));
            }

            return _session;
        }
    }

    /// <summary>Which turn it is: it grows each time that a ProxyHost is left for the next.</summary>
    public int Turn => Volatile.Read(ref _position);

    /// <summary>
    /// Leaves a ProxyHost that has failed for the next. One that was refused is asked for its bundle first, and is kept where that is
    /// newer: the issuer of the ProxyHosts may have changed while this proxy heard from none.
    /// </summary>
    /// <param name="turn">The turn in which it failed. Where several calls fail with their ProxyHost it is left once, not skipped past.</param>
    /// <param name="cancellationToken">The proxy stops.</param>
    public async Task MoveOnAsync(int turn, CancellationToken cancellationToken)
    {
        var caughtUp = Interlocked.Exchange(ref _refused, false) && await CatchUpAsync(cancellationToken);
        lock (_gate)
        {
            if (turn != _position)
            {
                return;
            }

            _position += caughtUp ? 0 : 1;
            _session?.Retire();
            _session = null;
        }
    }

    /// <summary>A connection without a client certificate to a ProxyHost that has proven to be one.</summary>
    public GrpcChannel OpenForEnrollment() => Open(Address, SvidTls.Client(null, "mesh", CheckProxyHost, Alpn));

    /// <summary>First contact: the bundle of a ProxyHost that is known by its anchors' hashes alone. No token is shown.</summary>
    /// <exception cref="BundleRejectedException">Its anchors are not those of the ticket.</exception>
    /// <exception cref="ServerRefusedException">It is not a ProxyHost under them.</exception>
    public Task<SignedBundle> MeetAsync(EnrollmentTicket ticket, CancellationToken cancellationToken) =>
        MeetAsync(new FirstContact(ticket.Id.TrustDomain, ticket.Anchors, IdentityRole.ProxyHost, clock), cancellationToken);

    /// <summary>
    /// A bundle that came, or, where its mesh was restored and has forgotten the one that is held here, the one that has learned from it.
    /// </summary>
    public async Task<string> RememberedAsync(string signedBundle, CancellationToken cancellationToken)
    {
        if (!identity.Bundles.IsForgottenBy(SignedBundle.Parse(signedBundle).Bundle))
        {
            return signedBundle;
        }

        using var channel = OpenForEnrollment();
        return await RememberedAsync(channel, signedBundle, cancellationToken);
    }

    public void Dispose() => _session?.Retire();

    private async Task<SignedBundle> MeetAsync(FirstContact contact, CancellationToken cancellationToken)
    {
        using var channel = Open(Address, contact.ProvisionalTls(Alpn));
        var answer = await new Enrollment.EnrollmentClient(channel)
            .FetchBundleAsync(new FetchBundleRequest(), deadline: Deadline(), cancellationToken: cancellationToken);
        return contact.Accept(identity.Bundles.IsForgottenBy(SignedBundle.Parse(answer.SignedBundle).Bundle)
            ? await RememberedAsync(channel, answer.SignedBundle, cancellationToken)
            : answer.SignedBundle);
    }

    // Whoever says that it was forgotten: a bundle is public, and what the answer is worth is judged as ever.
    private async Task<string> RememberedAsync(GrpcChannel channel, string signedBundle, CancellationToken cancellationToken)
    {
        var held = identity.Bundles.Held!;
        try
        {
            using var call = new Enrollment.EnrollmentClient(channel).OfferBundle(deadline: Deadline(), cancellationToken: cancellationToken);
            foreach (var piece in OfferedBundle.Pieces(held))
            {
                await call.RequestStream.WriteAsync(new OfferBundleRequest { Piece = piece }, cancellationToken);
            }

            await call.RequestStream.CompleteAsync();
            var learned = (await call).SignedBundle;
            Log.Offered(logger, held.Bundle.Sequence);
            return learned;
        }
        catch (Exception e) when (e is RpcException or IOException or InvalidOperationException && !cancellationToken.IsCancellationRequested)
        {
            // The rules of succession say whether theirs may follow none the less.
            Log.OfferFailed(logger, held.Bundle.Sequence, e is RpcException rpc ? $"{rpc.StatusCode}: {rpc.Status.Detail}" : e.Message);
            return signedBundle;
        }
    }

    // Whether there was anything newer.
    private async Task<bool> CatchUpAsync(CancellationToken cancellationToken)
    {
        if (identity.Bundles.Held is not { } held)
        {
            return false;
        }

        try
        {
            var bundle = await MeetAsync(new FirstContact(held.Bundle, IdentityRole.ProxyHost, clock), cancellationToken);
            return identity.Bundles.AcceptUnlessOlder(bundle.Jws);
        }
        catch (Exception e) when (e is RpcException or IOException or UnauthorizedAccessException or HttpRequestException or FormatException
            or BundleRejectedException or ServerRefusedException)
        {
            // It has been refused already, and rightly.
            return false;
        }
    }

    private Uri Address
    {
        get
        {
            var addresses = configured.Count > 0 ? configured : _fromTicket;
            return addresses.Count > 0 ? addresses[_position % addresses.Count] : throw new IOException("No ProxyHost's address is known.");
        }
    }

    private SvidVerification CheckProxyHost(IReadOnlyList<ReadOnlyMemory<byte>> chain)
    {
        var verification = identity.Verify(chain);
        if (verification.IsValid && verification.Svid!.Id.Role != IdentityRole.ProxyHost)
        {
            verification = verification.Refused(SvidRejection.NotPermitted, $"{verification.Svid.Id} is not a ProxyHost.");
        }

        if (!verification.IsValid)
        {
            Volatile.Write(ref _refused, true);
            Log.ServerRefused(logger, verification.Rejection, verification.Detail);
        }

        return verification;
    }

    private static GrpcChannel Open(Uri address, SslClientAuthenticationOptions tls) => GrpcChannel.ForAddress(
        address,
        new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                SslOptions = tls,
                UseProxy = false,
                ConnectTimeout = TimeSpan.FromSeconds(5),
                // A ProxyHost that has died without a word is noticed within two seconds.
                KeepAlivePingDelay = TimeSpan.FromSeconds(1),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(1),
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = 4 * 1024 * 1024,
        });

    private static partial class Log
    {
        [LoggerMessage(EventId = 5202, Level = LogLevel.Warning, Message = "The mesh was restored and had forgotten trust bundle {Sequence}, which was held here; it was given back")]
        public static partial void Offered(ILogger logger, long sequence);

        [LoggerMessage(EventId = 5203, Level = LogLevel.Error, Message = "The mesh was restored, has forgotten trust bundle {Sequence}, and it could not be given back: {Reason}")]
        public static partial void OfferFailed(ILogger logger, long sequence, string reason);

        [LoggerMessage(EventId = 5201, Level = LogLevel.Warning, Message = "Refused a ProxyHost: {Rejection}: {Detail}")]
        public static partial void ServerRefused(ILogger logger, SvidRejection rejection, string detail);
    }
}
