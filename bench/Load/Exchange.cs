using System.Buffers.Binary;

namespace Mesh.Bench.Load;

/// <summary>What load and backend say to each other. The first byte of a connection says which of three it is.</summary>
internal static class Exchange
{
    /// <summary>The backend says a byte. The pattern follows until the end; then the backend says how much of it came, and where it was wrong, and ends.</summary>
    public const byte Bulk = (byte)'B';

    /// <summary>Requests and answers in turn, until the client ends.</summary>
    public const byte Requests = (byte)'R';

    /// <summary>One request, one answer; then the backend ends.</summary>
    public const byte Once = (byte)'O';

    public const int RequestBytes = 64;
    public const int AnswerBytes = 256;

    /// <summary>Bytes received, then the offset of the first wrong piece or <see cref="NoneWrong"/>.</summary>
    public const int VerdictBytes = 16;

    public const long NoneWrong = -1;

    private const int NumberAt = 8;

    public static void WriteRequest(Span<byte> request, byte kind, long number)
    {
        Pattern.At(number, RequestBytes).CopyTo(request);
        request[0] = kind;
        BinaryPrimitives.WriteInt64LittleEndian(request[NumberAt..], number);
    }

    /// <summary>The number of a request; throws where a byte of it is wrong.</summary>
    public static long ReadRequest(ReadOnlySpan<byte> request)
    {
        var number = BinaryPrimitives.ReadInt64LittleEndian(request[NumberAt..]);
        return number >= 0 && request[1..NumberAt].SequenceEqual(Pattern.At(number, NumberAt)[1..])
            && request[(NumberAt + 8)..].SequenceEqual(Pattern.At(number, RequestBytes)[(NumberAt + 8)..])
            ? number
            : throw new LoadException("A request is not what was sent.");
    }

    public static void WriteAnswer(Span<byte> answer, long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(answer, number);
        Pattern.At(number, AnswerBytes - 8).CopyTo(answer[8..]);
    }

    public static bool IsAnswer(ReadOnlySpan<byte> answer, long number) =>
        BinaryPrimitives.ReadInt64LittleEndian(answer) == number && Pattern.Holds(number, answer[8..]);
}

/// <summary>Bytes or connections were lost: there is nothing to report.</summary>
internal sealed class LoadException(string message) : Exception(message);
