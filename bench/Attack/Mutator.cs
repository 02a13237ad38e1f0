namespace Mesh.Bench.Attack;

/// <summary>Makes wrong messages out of right ones, the same from the same seed.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> messages, int seed)
{
    private const int MaxBytes = 64 * 1024;

    private readonly Random _random = new(seed);

    /// <summary>Out of this message mostly, and now and then out of one that belongs elsewhere.</summary>
    public byte[] Next(byte[] message)
    {
        var bytes = (_random.Next(4) > 0 ? message : messages[_random.Next(messages.Count)]).ToList();
        for (var changes = _random.Next(1, 5); changes > 0; changes--)
        {
            Change(bytes);
        }

        return [.. bytes.Take(MaxBytes)];
    }

    private void Change(List<byte> bytes)
    {
        var at = _random.Next(bytes.Count + 1);
        switch (_random.Next(6))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 3:
                bytes.InsertRange(at, Noise(_random.Next(64)));
                break;
            case 4:
                // A part of another message, in the middle of this one.
                var other = messages[_random.Next(messages.Count)];
                bytes.InsertRange(at, other.Skip(_random.Next(other.Length + 1)));
                break;
            default:
                // A length or number of ten bytes, which is as long as they get.
                bytes.InsertRange(at, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]);
                break;
        }
    }

    private byte[] Noise(int count)
    {
        var noise = new byte[count];
        _random.NextBytes(noise);
        return noise;
    }
}
