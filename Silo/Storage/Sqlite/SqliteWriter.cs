using System.Runtime.ExceptionServices;
using Microsoft.Data.Sqlite;

namespace Mesh.Silo.Storage.Sqlite;

/// <summary>
/// The one writer of the file. What comes while the disk is busy is written together afterwards, in one transaction with one wait for the
/// disk; each piece of work stands or falls by itself.
/// </summary>
/// <remarks>
/// SQLite has one writer at a time and would make others wait without order. It also blocks its thread until the disk has answered; that
/// thread must not be a grain's.
/// </remarks>
/// <param name="open">Opens a connection; it is kept until it fails.</param>
/// <param name="timeout">How long a piece of work waits for its turn.</param>
internal sealed class SqliteWriter(Func<SqliteConnection> open, TimeSpan timeout) : IDisposable
{
    private const int LargestGroup = 128;
    private const string Savepoint = "work";

    private readonly Queue<Work> _waiting = new();
    private readonly Lock _gate = new();
    private SqliteSession? _session;
    private bool _isWriting;

    /// <summary>Does the work in a transaction; durable when the task ends.</summary>
    /// <exception cref="TimeoutException">Its turn did not come; nothing was done.</exception>
    public async Task<T> WriteAsync<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken)
    {
        var pending = new Work<T>(work, cancellationToken);
        Enqueue(pending);
        try
        {
            return await pending.Done.WaitAsync(timeout, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException && pending.TryGiveUp())
        {
            throw e is TimeoutException ? new TimeoutException($"The writers before this one took longer than {timeout}.") : e;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // It is being done: what becomes of it is the answer.
            return await pending.Done;
        }
    }

    public void Dispose() => _session?.Dispose();

    private void Enqueue(Work work)
    {
        lock (_gate)
        {
            _waiting.Enqueue(work);
            if (_isWriting)
            {
                return;
            }

            _isWriting = true;
        }

        _ = Task.Run(WriteAllAsync);
    }

    private async Task WriteAllAsync()
    {
        while (Next() is { Count: > 0 } group)
        {
            try
            {
                await WriteAsync(group);
            }
            catch (Exception fault)
            {
                // Whether the file took it is not known, nor what state the connection is in.
                var session = _session;
                _session = null;
                group.ForEach(work => work.Fail(fault));
                Abandon(session);
            }
        }
    }

    private List<Work> Next()
    {
        var group = new List<Work>();
        lock (_gate)
        {
            while (group.Count < LargestGroup && _waiting.TryDequeue(out var work))
            {
                if (work.TryBegin())
                {
                    group.Add(work);
                }
            }

            _isWriting = group.Count > 0;
        }

        return group;
    }

    private async Task WriteAsync(List<Work> group)
    {
        _session ??= new SqliteSession(open());
        await using var transaction = _session.Connection.BeginTransaction(deferred: false);
        foreach (var work in group)
        {
            await transaction.SaveAsync(Savepoint);
            if (await work.RunAsync(_session, transaction) is { } fault)
            {
                await UndoAsync(transaction, fault);
            }

            await transaction.ReleaseAsync(Savepoint);
        }

        await transaction.CommitAsync(CancellationToken.None);
        group.ForEach(work => work.Complete());
    }

    private static async Task UndoAsync(SqliteTransaction transaction, Exception fault)
    {
        try
        {
            await transaction.RollbackAsync(Savepoint);
        }
        catch (Exception e) when (e is SqliteException or InvalidOperationException)
        {
            // A full disk, for one, undoes the whole transaction: what one has met is what all have met.
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    private static void Abandon(SqliteSession? session)
    {
        try
        {
            session?.Dispose();
        }
        catch (SqliteException)
        {
            // It is of no use any more; those who wait behind it have their own.
        }
    }

    private abstract class Work
    {
        private int _state;

        /// <summary>False where whoever wanted it has gone.</summary>
        public bool TryBegin() => Interlocked.CompareExchange(ref _state, 1, 0) == 0;

        /// <summary>False where it has begun.</summary>
        public bool TryGiveUp() => Interlocked.CompareExchange(ref _state, 2, 0) == 0;

        /// <summary>Does it, and keeps what came of it. Not null: it failed, and must be undone.</summary>
        public abstract Task<Exception?> RunAsync(SqliteSession session, SqliteTransaction transaction);

        /// <summary>Tells what came of it.</summary>
        public abstract void Complete();

        /// <summary>The group as a whole failed.</summary>
        public abstract void Fail(Exception fault);
    }

    private sealed class Work<T>(Func<StoreSession, Task<T>> work, CancellationToken cancellationToken) : Work
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Exception? _fault;
        private T? _result;

        public Task<T> Done => _done.Task;

        public override async Task<Exception?> RunAsync(SqliteSession session, SqliteTransaction transaction)
        {
            try
            {
                _result = await work(session.Begin(transaction, cancellationToken));
                return null;
            }
            catch (Exception fault)
            {
                return _fault = fault;
            }
        }

        public override void Complete()
        {
            if (_fault is null)
            {
                _done.TrySetResult(_result!);
            }
            else
            {
                _done.TrySetException(_fault);
            }
        }

        public override void Fail(Exception fault) => _done.TrySetException(_fault ?? fault);
    }
}
