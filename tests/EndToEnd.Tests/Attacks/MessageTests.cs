using Grpc.Core;
using Mesh.EndToEnd.Tests.Support;

namespace Mesh.EndToEnd.Tests.Attacks;

/// <summary>Messages that are too long, too deep, or no messages at all.</summary>
public class MessageTests(RunningMesh running) : IClassFixture<RunningMesh>
{
    private MeshUnderTest Mesh => running.Mesh;

    [Theory(Explicit = true)]
    [InlineData("one byte over 64 KiB", StatusCode.ResourceExhausted, "MessageSize")]
    [InlineData("16 MiB", StatusCode.ResourceExhausted, "MessageSize")]
    [InlineData("groups nested 10,000 deep", StatusCode.Unknown, "Malformed")]
    [InlineData("noise", StatusCode.Unknown, "Malformed")]
    [InlineData("messages nested 10,000 deep", StatusCode.InvalidArgument, "InvalidRequest")]
    [InlineData("nothing", StatusCode.InvalidArgument, "InvalidRequest")]
    public async Task A_message_of(string what, StatusCode status, string reason)
    {
        await using var bystander = await Bystander.StartAsync(Mesh);
        using var credential = (await TestProxy.EnrollAsync(Mesh, "mallory-message")).Credential;
        using var proxy = new TestProxy(Mesh.ProxyHostUrl, credential);
        var (message, before) = (Message(what), await Refusals.CountAsync(Mesh, reason));

        for (var i = 0; i < 20; i++)
        {
            var refusal = await RawCalls.StatusAsync(proxy, RawCalls.Certify, message);
            Assert.Equal(status, refusal.StatusCode);
            Assert.DoesNotContain("Google.Protobuf", refusal.Detail, StringComparison.Ordinal);
        }

        await Refusals.GrewAsync(Mesh, reason, before, by: 20);
        await bystander.WasServedAsync();
    }

    private static byte[] Message(string what) => what switch
    {
        "one byte over 64 KiB" => new byte[64 * 1024 + 1],
        "16 MiB" => new byte[16 * 1024 * 1024],
        // Field 15, wire type 3: a group begins, and another in it.
        "groups nested 10,000 deep" => [.. Enumerable.Repeat((byte)0x7B, 10_000), .. Enumerable.Repeat((byte)0x7C, 10_000)],
        "messages nested 10,000 deep" => Nested(10_000),
        "noise" => Enumerable.Repeat((byte)0xFF, 1_000).ToArray(),
        _ => [],
    };

    // Field 14, wire type 2, of a type that nobody knows, in itself again and again. Written from the inside, backwards.
    private static byte[] Nested(int depth)
    {
        List<byte> reversed = [];
        for (var i = 0; i < depth && reversed.Count < 60_000; i++)
        {
            List<byte> head = [0x72];
            var length = reversed.Count;
            for (; length > 0x7F; length >>= 7)
            {
                head.Add((byte)(length | 0x80));
            }

            head.Add((byte)length);
            head.Reverse();
            reversed.AddRange(head);
        }

        reversed.Reverse();
        return [.. reversed];
    }
}
