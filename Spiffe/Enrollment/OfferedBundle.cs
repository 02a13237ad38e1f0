using System.Text;

namespace Mesh.Spiffe;

/// <summary>A bundle of before a restore on its way back to the mesh that has forgotten it: in pieces, so that no message gets large.</summary>
public static class OfferedBundle
{
    /// <summary>The longest piece: 32 Ki characters.</summary>
    public const int MaxPieceChars = 32 * 1024;

    /// <summary>A bundle in pieces, in their order.</summary>
    public static IEnumerable<string> Pieces(SignedBundle bundle)
    {
        for (var at = 0; at < bundle.Jws.Length; at += MaxPieceChars)
        {
            yield return bundle.Jws.Substring(at, Math.Min(MaxPieceChars, bundle.Jws.Length - at));
        }
    }

    /// <summary>Puts the pieces together, and looks whether it is a bundle that was forgotten.</summary>
    /// <param name="pieces">In their order.</param>
    /// <param name="inForce">The bundle that says what was forgotten.</param>
    /// <param name="now">The reader's time.</param>
    /// <returns>The bundle; null where it is none of those that were forgotten.</returns>
    /// <exception cref="FormatException">It is no bundle.</exception>
    /// <exception cref="BundleRejectedException">It is not this trust domain's.</exception>
    public static async Task<SignedBundle?> ReadAsync(IAsyncEnumerable<string> pieces, TrustBundle inForce, DateTimeOffset now)
    {
        var bundle = SignedBundle.Parse(await ReadAsync(pieces));
        if (inForce.Forgotten?.Holds(bundle.Bundle.Sequence) != true)
        {
            return null;
        }

        bundle.VerifyForgotten(inForce, now);
        return bundle;
    }

    /// <summary>Puts the pieces together.</summary>
    /// <exception cref="FormatException">One is empty or too long, or all of them are longer than a signed bundle can be.</exception>
    public static async Task<string> ReadAsync(IAsyncEnumerable<string> pieces)
    {
        var jws = new StringBuilder();
        await foreach (var piece in pieces)
        {
            if (piece.Length is 0 or > MaxPieceChars || jws.Length + piece.Length > SignedBundle.MaxChars)
            {
                throw new FormatException($"A bundle is offered in pieces of 1 to {MaxPieceChars} characters, {SignedBundle.MaxChars} in all.");
            }

            jws.Append(piece);
        }

        return jws.ToString();
    }
}
