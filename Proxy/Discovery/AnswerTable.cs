using System.Collections.Concurrent;
using System.Net;

namespace Mesh.Proxy.Discovery;

/// <summary>Answers by address, as many as may be; further ones take the place of those that were asked for longest ago.</summary>
/// <param name="most">How many.</param>
internal sealed class AnswerTable(int most)
{
    private readonly ConcurrentDictionary<IPEndPoint, Answer> _answers = new();

    public int Count => _answers.Count;

    public Answer? Find(IPEndPoint address) => _answers.GetValueOrDefault(address);

    public void Remove(IPEndPoint address) => _answers.TryRemove(address, out _);

    /// <remarks>Not to be called by two at once.</remarks>
    public void Put(IPEndPoint address, Answer answer)
    {
        if (_answers.Count >= most && !_answers.ContainsKey(address))
        {
            // An eighth at a time, so that a table that stays full is not sorted for each new one.
            foreach (var (old, _) in _answers.OrderBy(pair => pair.Value.LastUsed).Take((most + 7) / 8).ToList())
            {
                _answers.TryRemove(old, out _);
            }
        }

        _answers[address] = answer;
    }
}

/// <summary>What was answered, and for how long that holds.</summary>
/// <param name="destination">What the address means.</param>
/// <param name="refreshAt">From when on it is asked anew in the background; times by <see cref="EndpointClock"/>.</param>
/// <param name="holdsUntil">From when on a connection waits for a new answer.</param>
/// <param name="isUnwatched">It counts although its service is not watched: it is to hold for a short time only.</param>
internal sealed class Answer(Destination destination, long refreshAt, long holdsUntil, bool isUnwatched = false)
{
    private long _lastUsed;

    public Destination Destination => destination;

    public long LastUsed => Volatile.Read(ref _lastUsed);

    public bool IsDue(long now) => now >= refreshAt;

    public bool Holds(long now) => now < holdsUntil && (destination.Service is null or { IsWatched: true } || isUnwatched);

    public void Use(long now)
    {
        if (now - LastUsed >= 1_000)
        {
            Volatile.Write(ref _lastUsed, now);
        }
    }
}
