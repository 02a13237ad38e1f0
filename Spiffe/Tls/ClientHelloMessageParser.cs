using System.Buffers.Binary;
using System.Text;

namespace Mesh.Spiffe;

/// <summary>Reads the body of a whole ClientHello with strict bounds (RFC 8446 §4.1.2).</summary>
internal static class ClientHelloMessageParser
{
    private const ushort ServerNameExtension = 0;
    private const ushort AlpnExtension = 16;
    private const byte HostName = 0;
    private const int RandomBytes = 32;
    private const int MaxSessionIdBytes = 32;

    public static ClientHelloResult Parse(ReadOnlySpan<byte> body)
    {
        var rest = body;
        if (!TryTake(ref rest, 2, out var version) || version[0] != 3
            || !TryTake(ref rest, RandomBytes, out _)
            || !TryTakeByteVector(ref rest, out var sessionId) || sessionId.Length > MaxSessionIdBytes
            || !TryTakeWordVector(ref rest, out var suites) || suites.Length is 0 || suites.Length % 2 != 0
            || !TryTakeByteVector(ref rest, out var compression) || compression.IsEmpty)
        {
            return ClientHelloResult.NotTls;
        }

        // TLS before 1.3 allows no extensions at all.
        if (rest.IsEmpty)
        {
            return new ClientHelloResult(ClientHelloKind.ClientHello, null, []);
        }

        return TryTakeWordVector(ref rest, out var extensions) && rest.IsEmpty
            ? ParseExtensions(extensions)
            : ClientHelloResult.NotTls;
    }

    private static ClientHelloResult ParseExtensions(ReadOnlySpan<byte> extensions)
    {
        var seen = new HashSet<ushort>();
        string? serverName = null;
        List<string> alpn = [];
        while (!extensions.IsEmpty)
        {
            if (!TryTake(ref extensions, 2, out var type)
                || !TryTakeWordVector(ref extensions, out var content)
                || !seen.Add(BinaryPrimitives.ReadUInt16BigEndian(type)))
            {
                return ClientHelloResult.NotTls;
            }

            var valid = BinaryPrimitives.ReadUInt16BigEndian(type) switch
            {
                ServerNameExtension => TryReadServerName(content, out serverName),
                AlpnExtension => TryReadAlpn(content, alpn),
                _ => true,
            };
            if (!valid)
            {
                return ClientHelloResult.NotTls;
            }
        }

        return new ClientHelloResult(ClientHelloKind.ClientHello, serverName, alpn);
    }

    /// <summary>One name at most, and of the one kind there is (RFC 6066 §3). What is no DNS name routes nowhere: null.</summary>
    private static bool TryReadServerName(ReadOnlySpan<byte> content, out string? serverName)
    {
        serverName = null;
        if (!TryTakeWordVector(ref content, out var list) || !content.IsEmpty
            || !TryTake(ref list, 1, out var kind) || kind[0] != HostName
            || !TryTakeWordVector(ref list, out var name) || name.IsEmpty || !list.IsEmpty)
        {
            return false;
        }

        var text = Encoding.Latin1.GetString(name);
        serverName = NameSyntax.IsDnsName(text) ? text.ToLowerInvariant() : null;
        return true;
    }

    private static bool TryReadAlpn(ReadOnlySpan<byte> content, List<string> protocols)
    {
        if (!TryTakeWordVector(ref content, out var list) || !content.IsEmpty || list.IsEmpty)
        {
            return false;
        }

        while (!list.IsEmpty)
        {
            if (!TryTakeByteVector(ref list, out var protocol) || protocol.IsEmpty)
            {
                return false;
            }

            protocols.Add(Encoding.Latin1.GetString(protocol));
        }

        return true;
    }

    private static bool TryTakeByteVector(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> content)
    {
        content = default;
        return TryTake(ref rest, 1, out var length) && TryTake(ref rest, length[0], out content);
    }

    private static bool TryTakeWordVector(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> content)
    {
        content = default;
        return TryTake(ref rest, 2, out var length) && TryTake(ref rest, BinaryPrimitives.ReadUInt16BigEndian(length), out content);
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, int count, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (rest.Length < count)
        {
            return false;
        }

        taken = rest[..count];
        rest = rest[count..];
        return true;
    }
}
