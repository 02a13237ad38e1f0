namespace Mesh.Proxy.Loops;

/// <summary>Something of which each event loop has its own, made when that loop first asks for it. Used on the loop's thread alone.</summary>
internal sealed class PerLoop<T>(Func<EventLoop, T> make)
    where T : class
{
    private readonly T?[] _each = new T?[LoopGroup.MaxLoops];

    public T this[EventLoop loop] => _each[loop.Index] ??= make(loop);

    /// <summary>Those that were made. After the loops have ended.</summary>
    public IEnumerable<T> Made => _each.OfType<T>();
}
