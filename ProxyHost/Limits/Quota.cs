namespace Mesh.ProxyHost.Limits;

/// <summary>Counts what is held by key. Holds no more keys than have something.</summary>
internal sealed class Quota<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TKey, int> _held = [];
    private readonly Lock _gate = new();

    /// <summary>One more for the key; false where it has as many as it may.</summary>
    public bool TryTake(TKey key, int most)
    {
        lock (_gate)
        {
            var held = _held.GetValueOrDefault(key);
            if (held >= most)
            {
                return false;
            }

            _held[key] = held + 1;
            return true;
        }
    }

    public void Return(TKey key)
    {
        lock (_gate)
        {
            if (_held[key] == 1)
            {
                _held.Remove(key);
            }
            else
            {
                _held[key]--;
            }
        }
    }
}
