using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Mesh.Spiffe;

namespace Mesh.Bench.Lifecycle;

/// <summary>
/// A process of its own that holds a workload issuer's key and tries a proxy's inbound port without a rest: with a new connection and a new
/// certificate each time, under a hundred names, and over connections that it opened before and keeps.
/// </summary>
/// <remarks>It says each outcome in a line: a word and a timestamp of the system's clock, which all processes of a machine share.</remarks>
internal sealed class Attacker(StolenIssuer issuer, SpiffeId victim, IPEndPoint address)
{
    /// <summary>A connection of its own was open, and answered.</summary>
    public const string Kept = "kept";

    /// <summary>A new connection was answered by the application.</summary>
    public const string Accepted = "accepted";

    /// <summary>A new connection was not.</summary>
    public const string Refused = "refused";

    /// <summary>A connection that it kept has ended.</summary>
    public const string Cut = "cut";

    /// <summary>How many connections it keeps.</summary>
    public const int Connections = 8;

    private const int Names = 100;
    private const int Newcomers = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private int _name;
    private string _why = "";

    /// <summary>The process: tries until it is ended.</summary>
    /// <param name="data">The silo's data folder, read by a thief.</param>
    /// <param name="issuer">PEM, the issuer's certificate.</param>
    /// <param name="victim">The workload whose proxy is tried.</param>
    /// <param name="address">Where that listens.</param>
    public static async Task<int> RunAsync(string data, string issuer, string victim, string address, CancellationToken cancellationToken)
    {
        var id = SpiffeId.Parse(victim);
        using var stolen = StolenIssuer.Read(data, id.TrustDomain, X509CertificateLoader.LoadCertificateFromFile(issuer));
        var attacker = new Attacker(stolen, id, IPEndPoint.Parse(address));
        await Task.WhenAll([
            .. Enumerable.Range(0, Connections).Select(i => Task.Run(() => attacker.KeepAsync(isIdle: i % 2 == 0, cancellationToken), cancellationToken)),
            .. Enumerable.Range(0, Newcomers).Select(_ => Task.Run(() => attacker.TryAsync(cancellationToken), cancellationToken)),
        ]);
        return 0;
    }

    private async Task TryAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            using var credential = Forge();
            try
            {
                await using var tls = await ConnectAsync(credential, stopping);
                await AskAsync(tls, stopping);
                Say(Accepted);
            }
            catch (Exception e) when (IsEnd(e))
            {
                Say(Refused);
                if (Interlocked.Exchange(ref _why, e.Message) != e.Message)
                {
                    await Console.Error.WriteLineAsync(e.Message);
                }
            }

            await Task.Delay(Pause, TimeProvider.System, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // One that says nothing more, and reads, learns of the end as the one that talks.
    private async Task KeepAsync(bool isIdle, CancellationToken stopping)
    {
        using var credential = Forge();
        await using var tls = await ConnectAsync(credential, stopping);
        await AskAsync(tls, stopping);
        Say(Kept);
        try
        {
            if (isIdle)
            {
                await tls.ReadExactlyAsync(new byte[1], stopping);
            }

            while (true)
            {
                await AskAsync(tls, stopping);
                await Task.Delay(Pause, TimeProvider.System, stopping);
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            Say(Cut);
        }
    }

    private SvidCredential Forge() =>
        issuer.Forge(SpiffeId.Parse($"spiffe://{victim.TrustDomain}/ns/shop/sa/forged-{Interlocked.Increment(ref _name) % Names}"));

    private async Task<SslStream> ConnectAsync(SvidCredential credential, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(Patience);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? tls = null;
        try
        {
            await socket.ConnectAsync(address, limit.Token);
            tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await tls.AuthenticateAsClientAsync(
                SvidTls.Client(
                    credential, victim.DnsName, _ => new SvidVerification(SvidRejection.None, null, "", DateTimeOffset.MaxValue), [new SslApplicationProtocol("mesh-orleans/tcp")]),
                limit.Token);
            return tls;
        }
        catch
        {
            tls?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    // In TLS 1.3 a client learns that its certificate was refused only when it reads: the application's answer is what counts.
    private static async Task AskAsync(SslStream tls, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(Patience);
        await tls.WriteAsync("stolen"u8.ToArray(), limit.Token);
        await tls.ReadExactlyAsync(new byte[6], limit.Token);
    }

    private static bool IsEnd(Exception e) => e is IOException or AuthenticationException or SocketException or OperationCanceledException;

    private static void Say(string word) => Console.WriteLine($"{word} {TimeProvider.System.GetTimestamp()}");
}
