using System.Buffers.Binary;

namespace Mesh.Spiffe;

/// <summary>Recognises a TLS ClientHello in the first bytes of a connection (RFC 8446 §4.1.2, §5.1).</summary>
/// <remarks>The message may be split over records and segments at any place. Nothing is allocated before it is whole.</remarks>
public static class ClientHelloReader
{
    /// <summary>The most bytes that a ClientHello may take on the wire, record headers included: 16 KiB.</summary>
    public const int MaxBytes = 16 * 1024;

    private const byte HandshakeRecord = 22;
    private const byte ClientHelloMessage = 1;
    private const byte MajorVersion = 3;
    private const byte MaxMinorVersion = 4;
    private const int RecordHeaderBytes = 5;
    private const int MessageHeaderBytes = 4;

    /// <summary>Says what the bytes are that a connection began with.</summary>
    /// <param name="prefix">Everything received so far; bytes after the ClientHello are not looked at.</param>
    /// <returns><see cref="ClientHelloResult.Incomplete"/> until the message is whole; <see cref="ClientHelloResult.NotTls"/>
    /// as soon as it can't become one within 16 KiB.</returns>
    public static ClientHelloResult Read(ReadOnlySpan<byte> prefix)
    {
        var looked = prefix[..Math.Min(prefix.Length, MaxBytes)];
        var kind = Measure(looked, out var messageBytes, out var records);
        if (kind is ClientHelloKind.Incomplete && prefix.Length < MaxBytes)
        {
            return ClientHelloResult.Incomplete;
        }

        if (kind is not ClientHelloKind.ClientHello)
        {
            return ClientHelloResult.NotTls;
        }

        if (records == 1)
        {
            return ClientHelloMessageParser.Parse(looked.Slice(RecordHeaderBytes + MessageHeaderBytes, messageBytes - MessageHeaderBytes));
        }

        var joined = new byte[messageBytes];
        Join(looked, joined);
        return ClientHelloMessageParser.Parse(joined.AsSpan(MessageHeaderBytes));
    }

    /// <summary>Walks the records until the message is whole.</summary>
    private static ClientHelloKind Measure(ReadOnlySpan<byte> wire, out int messageBytes, out int records)
    {
        Span<byte> header = stackalloc byte[MessageHeaderBytes];
        var collected = 0;
        (messageBytes, records) = (MessageHeaderBytes, 0);
        while (true)
        {
            if (!IsRecordHeader(wire))
            {
                return ClientHelloKind.NotTls;
            }

            if (wire.Length < RecordHeaderBytes)
            {
                return ClientHelloKind.Incomplete;
            }

            var content = wire.Slice(RecordHeaderBytes, Math.Min(RecordLength(wire), wire.Length - RecordHeaderBytes));
            for (var i = 0; i < content.Length && collected + i < MessageHeaderBytes; i++)
            {
                header[collected + i] = content[i];
            }

            collected += content.Length;
            if (collected > 0 && header[0] != ClientHelloMessage)
            {
                return ClientHelloKind.NotTls;
            }

            records++;
            if (collected >= MessageHeaderBytes)
            {
                messageBytes = MessageHeaderBytes + (header[1] << 16 | header[2] << 8 | header[3]);
                if (messageBytes > MaxBytes)
                {
                    return ClientHelloKind.NotTls;
                }

                if (collected >= messageBytes)
                {
                    return ClientHelloKind.ClientHello;
                }
            }

            if (content.Length < RecordLength(wire))
            {
                return ClientHelloKind.Incomplete;
            }

            wire = wire[(RecordHeaderBytes + content.Length)..];
        }
    }

    /// <summary>Whether the bytes are, or may still become, the header of a handshake record that isn't empty.</summary>
    private static bool IsRecordHeader(ReadOnlySpan<byte> wire) =>
        (wire.Length < 1 || wire[0] == HandshakeRecord)
        && (wire.Length < 2 || wire[1] == MajorVersion)
        && (wire.Length < 3 || wire[2] <= MaxMinorVersion)
        && (wire.Length < RecordHeaderBytes || RecordLength(wire) is > 0 and <= 16 * 1024);

    private static int RecordLength(ReadOnlySpan<byte> wire) => BinaryPrimitives.ReadUInt16BigEndian(wire[3..]);

    private static void Join(ReadOnlySpan<byte> wire, Span<byte> message)
    {
        while (!message.IsEmpty)
        {
            var content = wire.Slice(RecordHeaderBytes, Math.Min(RecordLength(wire), wire.Length - RecordHeaderBytes));
            var taken = content[..Math.Min(content.Length, message.Length)];
            taken.CopyTo(message);
            message = message[taken.Length..];
            wire = wire[(RecordHeaderBytes + content.Length)..];
        }
    }
}
