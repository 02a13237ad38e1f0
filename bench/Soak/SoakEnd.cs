using System.Buffers;
using System.Net.Sockets;
using Mesh.Bench.Load;

namespace Mesh.Bench.Soak;

/// <summary>One end of a connection: says its direction, hears the other, and compares every byte.</summary>
internal sealed class SoakEnd(Socket socket, SoakTalk talk, bool isClient, SoakFindings findings)
{
    private const int LongestPiece = 64 * 1024;

    /// <summary>Nothing takes as long; so busy a machine is no measurement.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly long _toSay = isClient ? talk.Up : talk.Down;
    private readonly long _toHear = isClient ? talk.Down : talk.Up;

    private long _heard;

    private bool Aborts => talk.Kind == (isClient ? SoakKind.ClientAborts : SoakKind.ApplicationAborts);

    private bool IsAborted => talk.Kind == (isClient ? SoakKind.ApplicationAborts : SoakKind.ClientAborts);

    /// <summary>To the end, whichever it is.</summary>
    public async Task TalkAsync(CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(Patience);
        try
        {
            var outcome = Aborts ? await AbortAsync(limit.Token) : Judge(await BothAsync(limit.Token));
            findings.Add(outcome, _heard, Where);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            findings.Add(SoakOutcome.Stalled, _heard, Where);
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    private string Where => $"{(isClient ? "client" : "application")}, heard {_heard} of {_toHear}, {talk}";

    private SoakOutcome Judge((bool IsReset, bool IsWrong) seen) => seen switch
    {
        (_, true) => SoakOutcome.Wrong,
        // Who aborts must not look like one who has said all, not even where that is so.
        (var isReset, _) when IsAborted => isReset ? SoakOutcome.Whole : SoakOutcome.CutShort,
        (true, _) => SoakOutcome.Reset,
        _ => _heard < _toHear ? SoakOutcome.CutShort : SoakOutcome.Whole,
    };

    // The kernel tells of a reset once: whichever direction asks first hears of it, and to the other it looks like an end.
    private async Task<(bool IsReset, bool IsWrong)> BothAsync(CancellationToken cancellationToken)
    {
        var (isReset, isWrong) = (false, false);
        var hearsFirst = talk.Kind == (isClient ? SoakKind.ApplicationFirst : SoakKind.ClientFirst);
        var hearing = HearAsync(cancellationToken);
        try
        {
            if (hearsFirst)
            {
                isWrong = await hearing;
            }

            await SayAsync(_toSay, cancellationToken);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            isReset = true;
        }

        try
        {
            isWrong = await hearing;
        }
        catch (SocketException)
        {
            isReset = true;
        }

        return (isReset, isWrong);
    }

    // What was heard until then is compared as well.
    private async Task<SoakOutcome> AbortAsync(CancellationToken cancellationToken)
    {
        using var aborted = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var hearing = HearAsync(aborted.Token);
        var outcome = SoakOutcome.Whole;
        try
        {
            await SayAsync(talk.AbortAt, cancellationToken);
        }
        catch (SocketException)
        {
            outcome = SoakOutcome.Reset;
        }

        await aborted.CancelAsync();
        try
        {
            outcome = await hearing ? SoakOutcome.Wrong : outcome;
        }
        catch (OperationCanceledException)
        {
            // Not all was heard.
        }
        catch (SocketException)
        {
            outcome = SoakOutcome.Reset;
        }

        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
        return outcome;
    }

    private async Task SayAsync(long bytes, CancellationToken cancellationToken)
    {
        for (var said = 0L; said < bytes;)
        {
            var piece = Pattern.MemoryAt(talk.Offset + said, (int)Math.Min(bytes - said, Random.Shared.Next(1, LongestPiece)));
            said += await socket.SendAsync(piece, SocketFlags.None, cancellationToken);
            await PauseAsync(cancellationToken);
        }
    }

    /// <summary>Whether a byte was wrong, or one too many.</summary>
    private async Task<bool> HearAsync(CancellationToken cancellationToken)
    {
        var (buffer, isWrong) = (ArrayPool<byte>.Shared.Rent(LongestPiece), false);
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer.AsMemory(0, LongestPiece), SocketFlags.None, cancellationToken)) > 0)
            {
                isWrong |= _heard + read > _toHear || !Pattern.Holds(talk.Offset + _heard, buffer.AsSpan(0, read));
                _heard += read;
                await PauseAsync(cancellationToken);
            }

            return isWrong;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Some are slow, and a few are silent for a while.
    private static async ValueTask PauseAsync(CancellationToken cancellationToken)
    {
        var dice = Random.Shared.Next(1_000);
        if (dice < 20)
        {
            await Task.Delay(dice == 0 ? TimeSpan.FromSeconds(1) : TimeSpan.FromMilliseconds(dice), TimeProvider.System, cancellationToken);
        }
    }
}
