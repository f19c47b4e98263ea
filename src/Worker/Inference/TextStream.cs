using System.Runtime.CompilerServices;

namespace VlWorker.Inference;

/// <summary>The text of a row while it is generated: written by the device's thread, read by whoever asked for it. Nobody waits for the reader.</summary>
/// <param name="abandoned">Cancelled when nobody wants the text any more: the row ends then.</param>
internal sealed class TextStream(CancellationToken abandoned)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = NewSignal();
    private string _text = string.Empty;
    private bool _ended;

    /// <summary>Whether nobody wants the text any more.</summary>
    public bool IsAbandoned => abandoned.IsCancellationRequested;

    /// <summary>What there is so far.</summary>
    public string Text
    {
        get
        {
            lock (_gate)
                return _text;
        }
    }

    /// <summary>Goes on with a longer text. One that does not begin with what is there, as after a batch that was run again, is left out.</summary>
    public void Write(string text)
    {
        lock (_gate)
        {
            if (text.Length <= _text.Length || !text.StartsWith(_text, StringComparison.Ordinal))
                return;
            _text = text;
            Signal();
        }
    }

    /// <summary>Nothing more will come.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            Signal();
        }
    }

    /// <summary>The parts of the text as they come; for one reader.</summary>
    public async IAsyncEnumerable<string> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var read = 0; ;)
        {
            string text;
            bool ended;
            Task changed;
            lock (_gate)
                (text, ended, changed) = (_text, _ended, _changed.Task);
            if (text.Length > read)
                yield return text[read..];
            else if (ended)
                yield break;
            else
                await changed.WaitAsync(cancellation);
            read = text.Length;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        _changed.SetResult();
        _changed = NewSignal();
    }
}
