using System.Runtime.CompilerServices;

namespace Mesh.Proxy.Discovery;

/// <summary>
/// The endpoints that one connection tries, drawn as they are needed: of two at random the one with the lower cost, none twice, none that
/// is set aside. Allocates nothing; a mutable struct, to be kept in one variable.
/// </summary>
internal struct EndpointChoices(EndpointSet set)
{
    /// <summary>Endpoints that one connection tries at the most.</summary>
    public const int MaxAttempts = 8;

    // Of more endpoints than this, pairs are drawn blindly first; where few are set aside, one draw is enough.
    private const int LookAtAll = 8;
    private const int BlindDraws = 4;

    // A trial that another thread was quicker to begin is looked for again.
    private const int Rounds = 8;

    private Tried _tried;
    private int _count;

    /// <summary>Whether any endpoint was tried so far.</summary>
    public readonly bool HasTried => _count > 0;

    /// <summary>Why none could be tried, as it is counted.</summary>
    public readonly string Refusal => set.Count == 0 ? "no_endpoints" : "fail_fast";

    /// <summary>The next endpoint to try; its attempt has begun. False: there is none, or enough have been tried.</summary>
    public bool TryNext(out EndpointAttempt attempt)
    {
        var now = set.Now;
        for (var round = 0; round < Rounds && _count < MaxAttempts; round++)
        {
            var isLast = false;
            var index = Pick(now, isLast);
            if (index < 0)
            {
                // All that was not tried is set aside, and one that is tried before its time is better than none.
                isLast = true;
                index = Pick(now, isLast);
            }

            if (index < 0)
            {
                break;
            }

            if (set.Endpoints[index].TryBegin(now, isLast, out attempt))
            {
                _tried[_count++] = index;
                return true;
            }
        }

        attempt = default;
        return false;
    }

    // -1: none may be tried.
    private readonly int Pick(long now, bool isLast)
    {
        if (set.Count > LookAtAll)
        {
            for (var draw = 0; draw < BlindDraws; draw++)
            {
                var first = Draw(set.Count);
                var second = (first + 1 + Draw(set.Count - 1)) % set.Count;
                var (mayFirst, maySecond) = (MayTry(first, now, isLast), MayTry(second, now, isLast));
                if (mayFirst || maySecond)
                {
                    return !maySecond ? first : !mayFirst ? second : Cheaper(first, second, now);
                }
            }
        }

        return PickOfAll(now, isLast);
    }

    // Two of those that may be tried, each pair as likely as any other, in one pass.
    private readonly int PickOfAll(long now, bool isLast)
    {
        var (first, second, seen) = (-1, -1, 0);
        for (var index = 0; index < set.Count; index++)
        {
            if (!MayTry(index, now, isLast))
            {
                continue;
            }

            var place = seen < 2 ? seen : Draw(seen + 1);
            seen++;
            if (place == 0)
            {
                first = index;
            }
            else if (place == 1)
            {
                second = index;
            }
        }

        return second < 0 ? first : Cheaper(first, second, now);
    }

    private readonly int Cheaper(int first, int second, long now)
    {
        var (one, other) = (set.Endpoints[first].Cost(now), set.Endpoints[second].Cost(now));
        return one < other || (one == other && Draw(2) == 0) ? first : second;
    }

    private readonly bool MayTry(int index, long now, bool isLast)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_tried[i] == index)
            {
                return false;
            }
        }

        return set.Endpoints[index].MayTry(now, isLast);
    }

    private static int Draw(int below) => Random.Shared.Next(below);

    [InlineArray(MaxAttempts)]
    private struct Tried
    {
        private int _first;
    }
}
