using System.Collections.Concurrent;
using VlWorker.Contracts;
using VlWorker.Integration.Faults;

namespace VlWorker.Bench.Soak;

/// <summary>What was sent, what it should come to, and what it came to.</summary>
internal sealed class Ledger
{
    /// <summary>The word for a result; other words are those of <see cref="RejectionReason"/> and <see cref="DeadLetterReason"/>.</summary>
    public const string Described = "described";

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _open = new(StringComparer.Ordinal);

    /// <summary>Everything that was sent.</summary>
    public IReadOnlyCollection<Entry> Entries => [.. _entries.Values];

    /// <summary>Requests of a lane without an answer or a dead letter so far.</summary>
    public int Open(string lane) => _open.GetValueOrDefault(lane);

    /// <summary>Requests without an answer or a dead letter so far.</summary>
    public int OpenInAll => _open.Values.Sum();

    /// <summary>Takes note of a request before it is published.</summary>
    public void Send(string id, string lane, string expected)
    {
        _entries[id] = new Entry(id, lane, expected);
        Count(lane, 1);
    }

    /// <summary>Takes note of a result or a rejection.</summary>
    public void Answer(Answer answer) => End(answer.Id, answer.Rejection?.Reason ?? Described, answer);

    /// <summary>Takes note of a dead letter.</summary>
    public void Bury(string id, string reason) => End(id, reason, null);

    private void End(string id, string word, Answer? answer)
    {
        if (_entries.TryGetValue(id, out var entry) && entry.End(word, answer))
            Count(entry.Lane, -1);
    }

    private void Count(string lane, int change) => _open.AddOrUpdate(lane, change, (_, open) => open + change);
}

/// <summary>One request.</summary>
internal sealed class Entry(string id, string lane, string expected)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _words = new(StringComparer.Ordinal);
    private Answer? _first;

    public string Id => id;

    public string Lane => lane;

    /// <summary>Answers and dead letters so far.</summary>
    public int Endings { get; private set; }

    /// <summary>In what two of its results are not equal (docs/delivery.md); null where all are.</summary>
    public string? Difference { get; private set; }

    /// <summary>Whether two of its results are not equal.</summary>
    public bool Differs => Difference is not null;

    /// <summary>What it came to: one word, unless something is wrong.</summary>
    public IReadOnlyCollection<string> Words => _words;

    /// <summary>Whether it came to what it should.</summary>
    public bool IsAsExpected => _words.SetEquals([expected]);

    /// <summary>Takes note of an ending; returns whether it is the first.</summary>
    public bool End(string word, Answer? answer)
    {
        lock (_gate)
        {
            _words.Add(word);
            if (answer is not null && _first is not null)
                Difference ??= EqualResults.Difference(_first, answer);
            _first ??= answer;
            return ++Endings == 1;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{id} ({lane}): expected {expected}, came to {(_words.Count == 0 ? "nothing" : string.Join(" and ", _words))}{(Differs ? $"; {Difference}" : "")}";
}
