using System.Net.Sockets;

namespace Mesh.EndToEnd.Tests.RealServers;

/// <summary>Lines of text, there and back.</summary>
internal sealed class TextConversation : IDisposable
{
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;
    private readonly TimeSpan _limit;

    public TextConversation(Socket socket, TimeSpan limit)
    {
        (_stream, _limit) = (new NetworkStream(socket, ownsSocket: true), limit);
        _reader = new StreamReader(_stream);
    }

    public async Task SayAsync(params string[] lines) =>
        await _stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(string.Join("\r\n", lines) + "\r\n"));

    public async Task<string> HearAsync() =>
        await _reader.ReadLineAsync().WaitAsync(_limit) ?? throw new EndOfStreamException("The server has ended the connection.");

    public void Dispose()
    {
        _reader.Dispose();
        _stream.Dispose();
    }
}
