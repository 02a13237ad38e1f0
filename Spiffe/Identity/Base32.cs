namespace Mesh.Spiffe;

/// <summary>Base32 in lower case without padding (RFC 4648 §6), for names and identifiers that people may have to read out.</summary>
internal static class Base32
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    public static string Lower(ReadOnlySpan<byte> data)
    {
        var text = new char[(data.Length * 8 + 4) / 5];
        var (buffer, bits, next) = (0, 0, 0);
        foreach (var value in data)
        {
            buffer = (buffer << 8) | value;
            bits += 8;
            while (bits >= 5)
            {
                bits -= 5;
                text[next++] = Alphabet[(buffer >> bits) & 31];
            }

            buffer &= (1 << bits) - 1;
        }

        if (bits > 0)
        {
            text[next] = Alphabet[(buffer << (5 - bits)) & 31];
        }

        return new string(text);
    }
}
