using System.Runtime.CompilerServices;

namespace Mesh.Proxy.Loops;

/// <summary>Awaited by whoever has done much and lets the loop's other connections come first.</summary>
internal readonly struct Turn(EventLoop loop) : ICriticalNotifyCompletion
{
    public bool IsCompleted => false;

    public Turn GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => loop.Defer(continuation);

    public void UnsafeOnCompleted(Action continuation) => loop.Defer(continuation);
}
