using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Backfill;

/// <summary>The items on their way to the broker, in the order of their numbers, until it is recorded that they are confirmed.</summary>
/// <remarks>Safe for one publisher and the client's callbacks at the same time.</remarks>
/// <param name="capacity">Items at most.</param>
internal sealed class ConfirmWindow(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Slot[] _slots = new Slot[capacity];
    private readonly Dictionary<ulong, long> _sent = [];
    private readonly Queue<JobItem> _refused = new();
    private long _head;
    private long _next;
    private long _confirmedUpTo;
    private ulong _lastTag;
    private ulong _lowestTag = 1;
    private ProducerException? _failure;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private record struct Slot(JobItem Item, bool IsConfirmed);

    /// <summary>Whether nothing is on its way.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _head == _next;
        }
    }

    /// <summary>Whether nothing more may be sent before something is recorded.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
                return _next - _head == capacity;
        }
    }

    /// <summary>Items sent, or to be sent again, that the broker has not confirmed.</summary>
    public int Unconfirmed
    {
        get
        {
            lock (_gate)
                return _sent.Count + _refused.Count;
        }
    }

    /// <summary>Takes an item in that is published next. Publishing numbers itself: the channel is this window's alone.</summary>
    public void Begin(JobItem item)
    {
        lock (_gate)
        {
            _slots[_next % capacity] = new Slot(item, false);
            _sent.Add(++_lastTag, _next++);
        }
    }

    /// <summary>An item that the broker refused, to be published again; null if there is none.</summary>
    public JobItem? TakeRefused()
    {
        lock (_gate)
        {
            if (!_refused.TryDequeue(out var item))
                return null;
            for (var order = _head; order < _next; order++)
            {
                if (_slots[order % capacity].Item.Id == item.Id)
                    _sent.Add(++_lastTag, order);
            }

            return item;
        }
    }

    /// <summary>The broker has taken over one message, or all up to it.</summary>
    public void Confirm(ulong tag, bool multiple) => Answer(tag, multiple, order => _slots[order % capacity].IsConfirmed = true);

    /// <summary>The broker has refused one message, or all up to it.</summary>
    public void Refuse(ulong tag, bool multiple) => Answer(tag, multiple, order => _refused.Enqueue(_slots[order % capacity].Item));

    /// <summary>Nothing more is recorded from here on: a message came back, or the channel is gone.</summary>
    public void Fail(ProducerException failure)
    {
        lock (_gate)
        {
            _failure ??= failure;
            Announce();
        }
    }

    /// <summary>How many are confirmed without a gap and not released yet, and the number of the last of them.</summary>
    /// <exception cref="ProducerException">The window has failed.</exception>
    public (long Count, long Last) Confirmed(bool evenAfterFailure = false)
    {
        lock (_gate)
        {
            if (_failure is not null && !evenAfterFailure)
                throw new ProducerException(_failure.ExitCode, _failure.Message, _failure);
            while (_confirmedUpTo < _next && _slots[_confirmedUpTo % capacity].IsConfirmed)
                _confirmedUpTo++;
            return _confirmedUpTo == _head ? (0, 0) : (_confirmedUpTo - _head, _slots[(_confirmedUpTo - 1) % capacity].Item.Id);
        }
    }

    /// <summary>Makes room: so many are recorded.</summary>
    public void Release(long count)
    {
        lock (_gate)
            _head += count;
    }

    /// <summary>Completes when something has been answered since the last call, or a while has passed.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellation)
    {
        Task changed;
        lock (_gate)
            changed = _changed.Task;
        try
        {
            await changed.WaitAsync(atMost, time, cancellation);
        }
        catch (TimeoutException)
        {
            return;
        }

        lock (_gate)
        {
            if (_changed.Task == changed)
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private void Answer(ulong tag, bool multiple, Action<long> settle)
    {
        lock (_gate)
        {
            // What was answered for a message that came back is no confirm.
            if (_failure is not null)
                return;
            for (var each = multiple ? _lowestTag : tag; each <= tag; each++)
            {
                if (_sent.Remove(each, out var order))
                    settle(order);
            }

            if (multiple)
                _lowestTag = tag + 1;
            Announce();
        }
    }

    private void Announce() => _changed.TrySetResult();
}
