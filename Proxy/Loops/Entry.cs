using System.Runtime.CompilerServices;

namespace Mesh.Proxy.Loops;

/// <summary>Awaited to go on on a loop's thread; nothing happens where it is this one.</summary>
internal readonly struct Entry(EventLoop loop) : ICriticalNotifyCompletion
{
    public bool IsCompleted => loop.IsCurrent;

    public Entry GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => loop.Post(continuation);

    public void UnsafeOnCompleted(Action continuation) => loop.Post(continuation);
}
