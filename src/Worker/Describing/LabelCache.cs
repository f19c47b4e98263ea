using VlWorker.Contracts;

namespace VlWorker.Describing;

/// <summary>Vectors of labels that were read lately, so that a job with the same labels for each image embeds them once. Thread-safe.</summary>
/// <param name="capacity">Vectors kept; the one that was used least lately goes first.</param>
internal sealed class LabelCache(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Alias, string Revision, string Text), LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = new();

    /// <summary>Vectors kept now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>A text's vector by a model, of length 1; null where it is not kept.</summary>
    public float[]? Find(ModelReference model, string text)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue((model.Alias, model.Revision, text), out var node))
                return null;
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return node.Value.Vector;
        }
    }

    /// <summary>Keeps a vector, which nobody changes any more.</summary>
    public void Add(ModelReference model, string text, float[] vector)
    {
        var key = (model.Alias, model.Revision, text);
        lock (_gate)
        {
            if (_entries.ContainsKey(key))
                return;
            _entries.Add(key, _byUse.AddFirst(new Entry(key, vector)));
            if (_entries.Count <= capacity)
                return;
            _entries.Remove(_byUse.Last!.Value.Key);
            _byUse.RemoveLast();
        }
    }

    private sealed record Entry((string Alias, string Revision, string Text) Key, float[] Vector);
}
