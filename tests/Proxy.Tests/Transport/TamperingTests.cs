using System.Net.Sockets;
using Mesh.Proxy.Tests.Support;

namespace Mesh.Proxy.Tests.Transport;

/// <summary>Whoever holds the wire between two proxies can cut a connection, and can't change what it says.</summary>
public sealed class TamperingTests : IAsyncLifetime
{
    private const int Count = 400_000;

    // One stream a connection: whoever holds the wire sees its last record.
    private readonly ProxyPair _pair = new(maxIdle: 0);

    /// <summary>In a record: its type, its version, its length, the first byte, one in the middle, the last of its tag.</summary>
    public static TheoryData<int> Places => [0, 1, 3, 4, 5, 4_000, -1];

    [Fact]
    public async Task An_honest_wire_carries_everything()
    {
        var (sent, received, _) = await UploadAsync(record => record.Bytes, expectChange: false);

        Assert.True(received.EndedCleanly && sent.AsSpan().SequenceEqual(received.Bytes), received.ToString());
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_flipped_byte_on_the_way_in_ends_the_connection_before_it_reaches_the_application(int place) =>
        AssertCut(await UploadAsync(record => record.BulkIndex == 3 ? record.Flip(place) : record.Bytes));

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_flipped_byte_on_the_way_back_ends_the_connection_before_it_reaches_the_client(int place) =>
        AssertCut(await DownloadAsync(record => record is { Way: Way.ToClient, BulkIndex: 3 } ? record.Flip(place) : record.Bytes));

    [Theory]
    [InlineData(Way.ToServer, 0)]
    [InlineData(Way.ToServer, 2)]
    [InlineData(Way.ToClient, 0)]
    [InlineData(Way.ToClient, 2)]
    [InlineData(Way.ToClient, 4)]
    public async Task A_flipped_byte_in_the_handshake_lets_nothing_through(Way way, int index)
    {
        var (_, received, atClient) = await UploadAsync(
            record => record.Way == way && record.Index == index ? record.Flip(record.Bytes.Length / 2) : record.Bytes);

        Assert.Empty(received.Bytes);
        Assert.False(atClient.EndedCleanly);
    }

    [Fact]
    public async Task A_flipped_byte_in_the_last_word_is_no_clean_end()
    {
        var (sent, received, _) = await UploadAsync(record => record.IsLast ? record.Flip(10) : record.Bytes);

        AssertBeginning(sent, received);
    }

    [Fact]
    public async Task A_connection_cut_off_between_records_is_no_clean_end() =>
        AssertCut(await UploadAsync(record => record.BulkIndex == 3 ? null : record.Bytes));

    [Fact]
    public async Task A_connection_cut_off_inside_a_record_is_no_clean_end()
    {
        var isCut = false;
        AssertCut(await UploadAsync(record =>
        {
            var cutBefore = isCut;
            isCut |= record.BulkIndex == 3;
            return cutBefore ? null : isCut ? record.Bytes[..1_000] : record.Bytes;
        }));
    }

    [Fact]
    public async Task A_connection_cut_off_just_before_its_last_word_is_no_clean_end()
    {
        var (sent, received, _) = await UploadAsync(record => record.IsLast ? null : record.Bytes);

        AssertBeginning(sent, received);
    }

    [Fact]
    public async Task An_answer_cut_off_is_no_clean_end() =>
        AssertCut(await DownloadAsync(record => record is { Way: Way.ToClient, BulkIndex: 3 } ? null : record.Bytes));

    [Fact]
    public async Task A_repeated_record_ends_the_connection() =>
        AssertCut(await UploadAsync(record => record.BulkIndex == 3 ? [.. record.Bytes, .. record.Bytes] : record.Bytes));

    [Fact]
    public async Task A_lost_record_ends_the_connection() =>
        AssertCut(await UploadAsync(record => record.BulkIndex == 3 ? [] : record.Bytes));

    [Fact]
    public async Task Swapped_records_end_the_connection()
    {
        byte[] held = [];
        AssertCut(await UploadAsync(record =>
        {
            if (record.BulkIndex == 3)
            {
                held = record.Bytes;
                return [];
            }

            return record.BulkIndex == 4 ? [.. record.Bytes, .. held] : record.Bytes;
        }));
    }

    [Fact]
    public async Task A_segment_repeated_inside_a_record_ends_the_connection() =>
        AssertCut(await UploadAsync(record => record.BulkIndex == 3
            ? [.. record.Bytes.AsSpan(0, 3_000), .. record.Bytes.AsSpan(1_540, 1_460), .. record.Bytes.AsSpan(3_000)]
            : record.Bytes));

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _pair.DisposeAsync();

    // What arrived is the beginning of what was sent and nothing else, and both sides know that it was not all.
    private static void AssertCut((byte[] Sent, Reception Received, Reception AtOther) outcome)
    {
        var (sent, received, atOther) = outcome;
        AssertBeginning(sent, received);
        Assert.NotEqual(sent.Length, received.Bytes.Length);
        Assert.False(atOther.EndedCleanly, "The sender took it for a clean end.");
    }

    // A reset may overtake bytes that are good.
    private static void AssertBeginning(byte[] sent, Reception received)
    {
        Assert.True(received.Bytes.Length <= sent.Length && sent.AsSpan(0, received.Bytes.Length).SequenceEqual(received.Bytes), "Other bytes arrived than were sent.");
        Assert.False(received.EndedCleanly, "The reader took it for a clean end.");
    }

    // The client sends, the application reads.
    private async Task<(byte[] Sent, Reception Received, Reception AtClient)> UploadAsync(Func<TlsRecord, byte[]?> change, bool expectChange = true)
    {
        var (application, received) = TestApplication.Reader();
        await using var _ = application;
        TlsRelay? relay = null;
        using var client = TestApplication.Connect(
            _pair.Connect(application.Address, server => (relay = new TlsRelay(server, change)).Address));
        await using var __ = relay!;
        var sent = TestBytes.Random(11, Count);
        var atClient = Reception.ReadAsync(client);
        var wasCut = await SendAsync(client, sent);

        var ended = Judge(await atClient, wasCut);
        await Eventually.EqualAsync(0, () => _pair.Web.Open + _pair.Voting.Open);
        Assert.Equal(expectChange, relay!.Changed > 0);
        return (sent, application.Accepted == 0 ? new Reception([], false) : await received, ended);
    }

    // The application sends, the client reads.
    private async Task<(byte[] Sent, Reception Received, Reception AtApplication)> DownloadAsync(Func<TlsRecord, byte[]?> change)
    {
        var sent = TestBytes.Random(12, Count);
        var atApplication = new TaskCompletionSource<Reception>();
        await using var application = new TestApplication(async socket =>
        {
            var reading = Reception.ReadAsync(socket);
            var wasCut = await SendAsync(socket, sent);
            atApplication.SetResult(Judge(await reading, wasCut));
        });
        TlsRelay? relay = null;
        using var client = TestApplication.Connect(
            _pair.Connect(application.Address, server => (relay = new TlsRelay(server, change)).Address));
        await using var _ = relay!;

        var received = await Reception.ReadAsync(client);
        Assert.True(relay!.Changed > 0);
        return (sent, received, await atApplication.Task);
    }

    // Whether the connection was cut while it was being sent.
    private static async Task<bool> SendAsync(Socket socket, byte[] bytes)
    {
        try
        {
            await TestApplication.SendAsync(socket, bytes);
            socket.Shutdown(SocketShutdown.Send);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    // The kernel tells of a reset once: where the writer heard of it, the reader sees an end like any other.
    private static Reception Judge(Reception read, bool wasCut) => read with { EndedCleanly = read.EndedCleanly && !wasCut };
}
