namespace VlWorker.Producer.Jobs;

/// <summary>What became of a job's items, with a count an outcome.</summary>
/// <param name="database">The job's database. All methods that write are to be called in a transaction.</param>
internal sealed class JobOutcomes(JobDatabase database)
{
    private const int ExamplesEach = 20;
    private const int SlowestKept = 50;

    private readonly Dictionary<(string Kind, string Detail), int> _codes = [];
    private double _slowEnough;

    /// <summary>All outcomes that occurred, with how many items have each now.</summary>
    public List<OutcomeCount> All() => database.Rows(
        "SELECT code, kind, detail, count FROM outcomes ORDER BY code",
        reader => new OutcomeCount(reader.GetInt32(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3)));

    /// <summary>Items that have an outcome.</summary>
    public long Settled => database.Scalar<long>("SELECT TOTAL(count) FROM outcomes");

    /// <summary>The code of an outcome, made if it is the first of its kind.</summary>
    public int Code(string kind, string detail)
    {
        if (_codes.TryGetValue((kind, detail), out var known))
            return known;
        database.Execute(
            "INSERT INTO outcomes (code, kind, detail, count) VALUES ((SELECT COALESCE(MAX(code) + 1, ?3) FROM outcomes), ?1, ?2, 0) ON CONFLICT DO NOTHING",
            kind, detail, ItemState.FirstOutcome);
        return _codes[(kind, detail)] = database.Scalar<int>("SELECT code FROM outcomes WHERE kind = ?1 AND detail = ?2", kind, detail);
    }

    /// <summary>Records an answer. False if the item had one already, or does not exist: answers come at least once.</summary>
    public bool Settle(Settlement answer)
    {
        var state = database.Scalar<int>("SELECT state FROM items WHERE id = ?1", answer.Id);
        var code = Code(answer.Kind, answer.Detail);
        if (state == 0 || state == code)
            return false;
        database.Execute(
            "UPDATE items SET state = ?2, etag = COALESCE(?3, etag), results = COALESCE(?4, results) WHERE id = ?1",
            answer.Id, code, answer.Etag is null ? null : EtagBytes.Write(answer.Etag), answer.Results);
        Count(state, -1);
        Count(code, 1);
        if (answer.Text is not null)
            Keep(code, answer.Id, answer.Text);
        if (answer.Milliseconds > _slowEnough)
            KeepSlow(answer.Id, answer.Milliseconds);
        return state == ItemState.Pending;
    }

    /// <summary>Makes one item wait again.</summary>
    public void Reopen(long id, int state)
    {
        if (state == ItemState.Pending)
            return;
        database.Execute("UPDATE items SET state = ?2 WHERE id = ?1", id, ItemState.Pending);
        Count(state, -1);
    }

    private void Reopen(int code)
    {
        database.Execute("UPDATE items SET state = ?2 WHERE state = ?1", code, ItemState.Pending);
        database.Execute("UPDATE outcomes SET count = 0 WHERE code = ?1", code);
        database.Execute("DELETE FROM examples WHERE code = ?1", code);
    }

    /// <summary>Makes all items of some kinds of outcome wait again.</summary>
    public void Reopen(IReadOnlyList<string> kinds)
    {
        foreach (var outcome in All().Where(outcome => outcome.Count > 0 && kinds.Contains(outcome.Kind)))
            Reopen(outcome.Code);
    }

    /// <summary>Makes all items of an outcome wait again that ask for the same.</summary>
    public void Reopen(int code, AskedModels asked) => Count(code, -database.Execute(
        "UPDATE items SET state = ?2 WHERE state = ?1 AND json_extract(own, '$.tasks') IS ?3 AND json_extract(own, '$.models') IS ?4",
        code, ItemState.Pending, asked.Tasks, asked.Models));

    /// <summary>Makes all items that have nothing of their own wait again.</summary>
    public void ReopenPlain()
    {
        foreach (var outcome in All().Where(outcome => outcome.Count > 0))
            Count(outcome.Code, -database.Execute("UPDATE items SET state = ?2 WHERE state = ?1 AND own IS NULL", outcome.Code, ItemState.Pending));
    }

    /// <summary>Gives everything that waits after a number the outcome that it was not published.</summary>
    public long DropAfter(long watermark)
    {
        var code = Code(OutcomeKind.NotPublished, "the job was cancelled");
        var dropped = database.Execute("UPDATE items SET state = ?3 WHERE id > ?1 AND state = ?2", watermark, ItemState.Pending, code);
        Count(code, dropped);
        return dropped;
    }

    private void Count(int code, int change)
    {
        if (code >= ItemState.FirstOutcome)
            database.Execute("UPDATE outcomes SET count = count + ?2 WHERE code = ?1", code, change);
    }

    private void Keep(int code, long item, string text)
    {
        if (database.Scalar<long>("SELECT COUNT(*) FROM examples WHERE code = ?1", code) < ExamplesEach)
            database.Execute("INSERT INTO examples (code, item, detail) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", code, item, text);
    }

    private void KeepSlow(long item, double milliseconds)
    {
        database.Execute(
            "INSERT INTO slowest (item, milliseconds) VALUES (?1, ?2) ON CONFLICT (item) DO UPDATE SET milliseconds = excluded.milliseconds",
            item, milliseconds);
        if (database.Scalar<long>("SELECT COUNT(*) FROM slowest") <= SlowestKept)
            return;
        database.Execute("DELETE FROM slowest WHERE item = (SELECT item FROM slowest ORDER BY milliseconds LIMIT 1)");
        _slowEnough = database.Scalar<double>("SELECT MIN(milliseconds) FROM slowest");
    }
}
