namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>
/// Merges the symbols of one piece: always the pair of the lowest rank, the leftmost of equals. Candidates wait in a binary heap and the
/// symbols form a linked list, so a piece of n symbols takes O(n log n), a word of 65,536 letters too. Work space of one call.
/// </summary>
internal sealed class SymbolMerger(MergeTable merges) : IDisposable
{
    private const int None = -1;

    private readonly RentedList<Symbol> _symbols = new();

    // Rank in the upper half, position of the pair's left symbol in the lower half: the smallest number is the next merge.
    private readonly RentedList<ulong> _candidates = new();

    /// <summary>Appends a symbol of the piece.</summary>
    public void Add(int id) => _symbols.Add(new Symbol(id, _symbols.Count - 1, _symbols.Count + 1));

    /// <summary>Merges what was added, appends the resulting ids and starts over.</summary>
    public void Merge(RentedList<int> ids)
    {
        var symbols = _symbols.Span;
        if (symbols.Length > 0)
            symbols[^1].Next = None;
        for (var position = 0; position + 1 < symbols.Length; position++)
            Consider(symbols, position);
        while (_candidates.Count > 0)
        {
            var candidate = Dequeue();
            MergeAt(symbols, position: (int)(uint)candidate, merged: merges.MergedBy((int)(candidate >> 32)));
        }

        for (var position = symbols.Length > 0 ? 0 : None; position != None; position = symbols[position].Next)
            ids.Add(symbols[position].Id);

        _symbols.Clear();
    }

    public void Dispose()
    {
        _symbols.Dispose();
        _candidates.Dispose();
    }

    private void MergeAt(Span<Symbol> symbols, int position, int merged)
    {
        ref var left = ref symbols[position];
        if (left.Id == None || left.Next == None)
            return;
        ref var right = ref symbols[left.Next];

        // A candidate outlives its pair when a neighbour was merged first. What counts is the id that the present pair makes.
        var rank = merges.RankOf(left.Id, right.Id);
        if (rank < 0 || merges.MergedBy(rank) != merged)
            return;
        left.Id = merged;
        left.Next = right.Next;
        right.Id = None;
        if (left.Next != None)
        {
            symbols[left.Next].Previous = position;
            Consider(symbols, position);
        }

        if (left.Previous != None)
            Consider(symbols, left.Previous);
    }

    private void Consider(Span<Symbol> symbols, int position)
    {
        var rank = merges.RankOf(symbols[position].Id, symbols[symbols[position].Next].Id);
        if (rank >= 0)
            Enqueue(((ulong)(uint)rank << 32) | (uint)position);
    }

    private void Enqueue(ulong candidate)
    {
        var child = _candidates.Count;
        _candidates.Add(candidate);
        var heap = _candidates.Span;
        while (child > 0 && heap[(child - 1) / 2] > candidate)
        {
            heap[child] = heap[(child - 1) / 2];
            child = (child - 1) / 2;
        }

        heap[child] = candidate;
    }

    private ulong Dequeue()
    {
        var heap = _candidates.Span;
        var (first, last) = (heap[0], heap[^1]);
        _candidates.Truncate(heap.Length - 1);
        heap = heap[..^1];
        var parent = 0;
        for (var child = 1; child < heap.Length; child = (2 * parent) + 1)
        {
            if (child + 1 < heap.Length && heap[child + 1] < heap[child])
                child++;
            if (heap[child] >= last)
                break;
            heap[parent] = heap[child];
            parent = child;
        }

        if (heap.Length > 0)
            heap[parent] = last;
        return first;
    }

    /// <summary>A symbol in the list; <see cref="Id"/> is <see cref="None"/> once it has been merged into its left neighbour.</summary>
    private struct Symbol(int id, int previous, int next)
    {
        public int Id = id;
        public int Previous = previous;
        public int Next = next;
    }
}
