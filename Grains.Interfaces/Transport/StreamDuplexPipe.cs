using System.IO.Pipelines;

namespace Mesh.Grains.Interfaces.Transport;

/// <summary>A TLS stream as the two pipes that Orleans wants. Reading is by demand, so nothing piles up in between.</summary>
internal sealed class StreamDuplexPipe(Stream stream) : IDuplexPipe
{
    public PipeReader Input { get; } = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));

    public PipeWriter Output { get; } = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
}
