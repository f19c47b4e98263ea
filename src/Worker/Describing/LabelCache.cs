using VlWorker.Batching;
using VlWorker.Contracts;

namespace VlWorker.Describing;

/// <summary>Vectors of labels that were asked for lately, so that a job with the same labels for each image embeds them once. Thread-safe.</summary>
/// <param name="capacity">Vectors kept; the one that was used least lately goes first.</param>
internal sealed class LabelCache(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Alias, string Revision, string Text), LinkedListNode<LabelVector>> _entries = [];
    private readonly LinkedList<LabelVector> _byUse = new();

    /// <summary>Vectors kept now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>A text's vector by a model, as it is or as somebody is making it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">The text.</param>
    /// <param name="terms">How urgent it is: who is more urgent than whoever makes the vector does not wait for it.</param>
    /// <param name="first">Whether the caller is to make it, and to <see cref="Settle"/> it.</param>
    public LabelVector Ask(ModelReference model, string text, RowTerms terms, out bool first)
    {
        var key = (model.Alias, model.Revision, text);
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var node))
            {
                _byUse.Remove(node);
                first = !node.Value.ComesInTimeFor(terms);
                if (first)
                    node.Value = new LabelVector(key, terms);
                _byUse.AddFirst(node);
                return node.Value;
            }

            first = true;
            node = _byUse.AddFirst(new LabelVector(key, terms));
            _entries.Add(key, node);
            if (_entries.Count > capacity)
            {
                _entries.Remove(_byUse.Last!.Value.Key);
                _byUse.RemoveLast();
            }

            return node.Value;
        }
    }

    /// <summary>The vector is there, and nobody changes it any more; or there will be none, and the next who asks makes it.</summary>
    public void Settle(LabelVector asked, float[]? vector)
    {
        lock (_gate)
        {
            if (vector is null && _entries.TryGetValue(asked.Key, out var node) && node.Value == asked)
            {
                _entries.Remove(asked.Key);
                _byUse.Remove(node);
            }
        }

        asked.Settle(vector);
    }
}

/// <summary>A label's vector, which belongs to whoever asked for it first until it is settled.</summary>
/// <param name="key">Of which text by which model.</param>
/// <param name="terms">How urgent its row is.</param>
internal sealed class LabelVector((string Alias, string Revision, string Text) key, RowTerms terms)
{
    private readonly TaskCompletionSource<float[]?> _values = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Of which text by which model.</summary>
    public (string Alias, string Revision, string Text) Key { get; } = key;

    /// <summary>The vector, of length 1; null: who was to make it failed or was cancelled, which says nothing about others.</summary>
    public Task<float[]?> Values => _values.Task;

    /// <summary>Whether it is there, or no row of one's own would be there sooner.</summary>
    public bool ComesInTimeFor(RowTerms own) => _values.Task.IsCompleted
        || (terms.Priority <= own.Priority && (own.Deadline is null || terms.Deadline <= own.Deadline));

    /// <summary>See <see cref="LabelCache.Settle"/>.</summary>
    public void Settle(float[]? values) => _values.SetResult(values);
}
