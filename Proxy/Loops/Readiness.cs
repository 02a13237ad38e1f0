using System.Runtime.CompilerServices;

namespace Mesh.Proxy.Loops;

/// <summary>Awaited until a socket can be read, or written. Costs no allocation: whoever waits is kept in the socket.</summary>
/// <returns>False: the socket was closed, or its time is up.</returns>
internal readonly struct Readiness(LoopSocket socket, bool toWrite) : ICriticalNotifyCompletion
{
    public bool IsCompleted => socket.IsOver || (toWrite ? socket.IsWritable : socket.IsReadable);

    public Readiness GetAwaiter() => this;

    public bool GetResult() => !socket.IsOver;

    public void OnCompleted(Action continuation) => socket.Await(continuation, toWrite);

    public void UnsafeOnCompleted(Action continuation) => socket.Await(continuation, toWrite);
}
