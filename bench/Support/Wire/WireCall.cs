using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;

namespace Mesh.Bench.Support.Wire;

/// <summary>A gRPC call as the bytes that go over the wire, made before anything is measured: headers and one message, sent at once.</summary>
internal sealed class WireCall
{
    private const int FrameHead = 9;
    private const int StreamIdAt = 5;
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;

    private readonly byte[] _bytes;
    private readonly int _dataAt;

    /// <param name="path">/SERVICE/METHOD.</param>
    public WireCall(string path, IMessage message)
    {
        var headers = HeaderBlock(path);
        var size = message.CalculateSize();
        _dataAt = FrameHead + headers.Length;
        _bytes = new byte[_dataAt + FrameHead + 5 + size];
        WriteHead(0, headers.Length, Headers, EndHeaders);
        headers.CopyTo(_bytes, FrameHead);
        WriteHead(_dataAt, 5 + size, Data, EndStream);
        // One message, not compressed.
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(_dataAt + FrameHead + 1), size);
        message.WriteTo(_bytes.AsSpan(_dataAt + FrameHead + 5));
    }

    /// <summary>Both frames, for the stream of that number.</summary>
    public ReadOnlyMemory<byte> OnStream(int id)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(StreamIdAt), id);
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(_dataAt + StreamIdAt), id);
        return _bytes;
    }

    private void WriteHead(int at, int length, byte type, byte flags)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(at), length << 8);
        (_bytes[at + 3], _bytes[at + 4]) = (type, flags);
    }

    // HPACK (RFC 7541), everything as a literal that is not remembered, but for what the static table has whole.
    private static byte[] HeaderBlock(string path) =>
    [
        0x83, 0x87, // :method POST, :scheme https
        0x01, .. Text("mesh"), // :authority
        0x04, .. Text(path), // :path
        0x0f, 0x10, .. Text("application/grpc"), // content-type
        0x00, .. Text("te"), .. Text("trailers"),
    ];

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];
}
