using System.Buffers;
using System.Net.Sockets;
using Mesh.Proxy.Metrics;

namespace Mesh.Proxy.Transport;

/// <summary>Carries bytes both ways between two ends until both are done. Each direction ends by itself; an error ends both.</summary>
internal static class ConnectionPump
{
    private const int BufferBytes = 64 * 1024;

    /// <returns>Whether both sides said that they were done.</returns>
    public static async Task<bool> RunAsync(ConnectionEnd opener, ConnectionEnd acceptor, EdgeCounters counters, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var outcomes = await Task.WhenAll(
            CopyAsync(opener, acceptor, counters.FromOpener, failed),
            CopyAsync(acceptor, opener, counters.ToOpener, failed));
        return outcomes.All(cleanly => cleanly);

        async Task<bool> CopyAsync(ConnectionEnd from, ConnectionEnd to, Action<long> count, CancellationTokenSource stop)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
            try
            {
                int read;
                while ((read = await from.ReadAsync(buffer, stop.Token)) > 0)
                {
                    await to.WriteAsync(buffer.AsMemory(0, read), stop.Token);
                    count(read);
                }

                await to.FinishAsync();
                return true;
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                from.Abort();
                to.Abort();
                await stop.CancelAsync();
                return false;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
