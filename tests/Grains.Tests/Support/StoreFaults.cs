namespace Mesh.Grains.Tests.Support;

/// <summary>What goes wrong with the stores, and when. All stores of a test share one, so that writes are counted across them.</summary>
internal sealed class StoreFaults
{
    private readonly Lock _gate = new();
    private int _untilCrash = int.MaxValue;
    private bool _afterCommit;
    private bool _isDown;

    /// <summary>Writes that were stored so far.</summary>
    public int Writes { get; private set; }

    /// <summary>Whether the crash that was asked for has come.</summary>
    public bool HasCrashed { get; private set; }

    /// <summary>Nothing is stored from now on, or everything again.</summary>
    public bool IsDown
    {
        get => _isDown;
        set
        {
            lock (_gate)
            {
                _isDown = value;
            }
        }
    }

    /// <summary>The process dies at its n-th write from now on: that write is stored or not, and nothing is after it.</summary>
    public void CrashAt(int write, bool afterCommit)
    {
        lock (_gate)
        {
            (_untilCrash, _afterCommit, HasCrashed) = (write, afterCommit, false);
        }
    }

    /// <summary>A new process finds the stores as the dead one left them.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            (_untilCrash, _isDown) = (int.MaxValue, false);
        }
    }

    /// <summary>Runs one write under the plan.</summary>
    public T Write<T>(Func<T> write)
    {
        lock (_gate)
        {
            if (_isDown)
            {
                throw new IOException("The store is down.");
            }

            var isCrash = --_untilCrash == 0;
            if (isCrash)
            {
                (_isDown, HasCrashed) = (true, true);
                if (!_afterCommit)
                {
                    throw new IOException("The process died before the commit.");
                }
            }

            var result = write();
            Writes++;
            return isCrash ? throw new IOException("The process died after the commit.") : result;
        }
    }
}
