using System.Text;

namespace Mesh.Spiffe;

/// <summary>A bundle of before a restore on its way back to the mesh that has forgotten it: in pieces, so that no message gets large.</summary>
public sealed class OfferedBundle
{
    /// <summary>The longest piece: 32 Ki characters.</summary>
    public const int MaxPieceChars = 32 * 1024;

    private readonly StringBuilder _received = new();

    /// <summary>What was received so far.</summary>
    public string Jws => _received.ToString();

    /// <summary>A bundle in pieces, in their order.</summary>
    public static IEnumerable<string> Pieces(SignedBundle bundle)
    {
        for (var at = 0; at < bundle.Jws.Length; at += MaxPieceChars)
        {
            yield return bundle.Jws.Substring(at, Math.Min(MaxPieceChars, bundle.Jws.Length - at));
        }
    }

    /// <summary>Takes the next piece.</summary>
    /// <exception cref="FormatException">It is empty or too long, or all of them are longer than a signed bundle can be.</exception>
    public void Add(string piece)
    {
        if (piece.Length is 0 or > MaxPieceChars || _received.Length + piece.Length > SignedBundle.MaxChars)
        {
            throw new FormatException($"A bundle is offered in pieces of 1 to {MaxPieceChars} characters, {SignedBundle.MaxChars} in all.");
        }

        _received.Append(piece);
    }
}
