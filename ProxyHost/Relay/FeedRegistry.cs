using Mesh.Grains.Interfaces.Errors;

namespace Mesh.ProxyHost.Relay;

/// <summary>The feeds that some proxy wants, by key. A feed that nobody wants any more ends.</summary>
internal sealed class FeedRegistry<T>(Func<string, Feed<T>> create) : IDisposable
    where T : class
{
    private const int MaxFeeds = 10_000;

    private readonly Dictionary<string, Entry> _feeds = [];
    private readonly Lock _gate = new();

    /// <exception cref="MeshException"><see cref="MeshError.LimitReached"/>: this ProxyHost follows too many things already.</exception>
    public Subscription Subscribe(string key)
    {
        lock (_gate)
        {
            if (!_feeds.TryGetValue(key, out var entry))
            {
                if (_feeds.Count >= MaxFeeds)
                {
                    throw new MeshException(MeshError.LimitReached, $"This ProxyHost follows {MaxFeeds} feeds already. Try another.");
                }

                _feeds[key] = entry = new Entry(create(key));
                _ = entry.Feed.RunAsync();
            }

            entry.Subscribers++;
            return new Subscription(entry.Feed, () => Release(key));
        }
    }

    /// <inheritdoc cref="Feed{T}.PollAgain"/>
    public void PollAgain()
    {
        lock (_gate)
        {
            foreach (var entry in _feeds.Values)
            {
                entry.Feed.PollAgain();
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var entry in _feeds.Values)
            {
                entry.Feed.Dispose();
            }

            _feeds.Clear();
        }
    }

    private void Release(string key)
    {
        lock (_gate)
        {
            if (_feeds.TryGetValue(key, out var entry) && --entry.Subscribers == 0)
            {
                _feeds.Remove(key);
                entry.Feed.Dispose();
            }
        }
    }

    internal sealed class Subscription(Feed<T> feed, Action release) : IDisposable
    {
        private Action? _release = release;

        public (T? Value, Task Changed) Read() => feed.Read();

        public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
    }

    private sealed class Entry(Feed<T> feed)
    {
        public Feed<T> Feed => feed;

        public int Subscribers { get; set; }
    }
}
