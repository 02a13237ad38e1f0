namespace Mesh.Spiffe.Tests.Enrollment;

public class OfferedBundleTests
{
    [Fact]
    public async Task A_bundle_in_pieces_is_put_together_again()
    {
        var east = new TestTrustDomain("east.example");
        var bans = Enumerable.Range(0, 2_000).Select(i => new IdentityBan(SpiffeId.ForWorkload(east.Name, "shop", $"workload-{i}"), TestTrustDomain.Now));
        var bundle = new TestBundles(east).Sign(east.Bundle with { Bans = [.. bans] });

        var pieces = OfferedBundle.Pieces(bundle).ToList();

        Assert.InRange(pieces.Count, 2, 32);
        Assert.Equal(bundle.Jws, await OfferedBundle.ReadAsync(pieces.ToAsyncEnumerable()));
    }

    [Fact]
    public async Task Pieces_that_are_empty_too_long_or_too_many_are_refused()
    {
        await Assert.ThrowsAsync<FormatException>(() => ReadAsync(""));
        await Assert.ThrowsAsync<FormatException>(() => ReadAsync(new string('a', OfferedBundle.MaxPieceChars + 1)));
        await Assert.ThrowsAsync<FormatException>(() => ReadAsync([.. Enumerable.Repeat(new string('a', OfferedBundle.MaxPieceChars), 33)]));
    }

    private static Task<string> ReadAsync(params string[] pieces) => OfferedBundle.ReadAsync(pieces.ToAsyncEnumerable());
}
