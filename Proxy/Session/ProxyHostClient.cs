using System.Net.Security;
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

    /// <summary>Leaves a ProxyHost that has failed for the next.</summary>
    public void MoveOn()
    {
        lock (_gate)
        {
            _position++;
            _session?.Retire();
            _session = null;
        }
    }

    /// <summary>A connection without a client certificate to a ProxyHost that has proven to be one.</summary>
    public GrpcChannel OpenForEnrollment() => Open(Address, SvidTls.Client(null, "mesh", CheckProxyHost, Alpn));

    /// <summary>First contact: the bundle of a ProxyHost that is known by its anchors' hashes alone. No token is shown.</summary>
    /// <exception cref="BundleRejectedException">Its anchors are not those of the ticket.</exception>
    /// <exception cref="ServerRefusedException">It is not a ProxyHost under them.</exception>
    public async Task<SignedBundle> MeetAsync(EnrollmentTicket ticket, CancellationToken cancellationToken)
    {
        var contact = new FirstContact(ticket.Id.TrustDomain, ticket.Anchors, IdentityRole.ProxyHost, clock);
        using var channel = Open(Address, contact.ProvisionalTls(Alpn));
        var answer = await new Enrollment.EnrollmentClient(channel)
            .FetchBundleAsync(new FetchBundleRequest(), deadline: Deadline(), cancellationToken: cancellationToken);
        return contact.Accept(answer.SignedBundle);
    }

    public void Dispose() => _session?.Retire();

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
        [LoggerMessage(EventId = 5201, Level = LogLevel.Warning, Message = "Refused a ProxyHost: {Rejection}: {Detail}")]
        public static partial void ServerRefused(ILogger logger, SvidRejection rejection, string detail);
    }
}
