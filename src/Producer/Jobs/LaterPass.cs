namespace VlWorker.Producer.Jobs;

/// <summary>A later pass over a job's source: what is unchanged keeps its result, everything else waits again.</summary>
/// <remarks>
/// Each line is compared with an item that asks the same of the same object. Lines for which there is none wait until all are listed, since a later
/// line may ask what an item of that object has an answer to; only then they take the place of questions that nobody asks any more.
/// </remarks>
/// <param name="job">The job.</param>
internal sealed class LaterPass(JobFile job)
{
    private const int Batch = 1000;
    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(5);

    private JobDatabase Database => job.Database;

    /// <summary>Begins one.</summary>
    /// <param name="settings">The settings of this pass; results of items to which another template makes another question are outdated.</param>
    public void Begin(JobSettings settings) => Database.Write(() =>
    {
        var before = job.Settings.Template;
        job.Change(settings with { Pass = job.Settings.Pass + 1 });
        job.Command(JobControl.Run);
        job.Meta.Set(JobMeta.Comparing, 1);
        job.Meta.Set(JobMeta.Seen, 0);
        job.Meta.Set(JobMeta.Untold, 0);
        job.Meta.Remove(JobMeta.Position);
        job.Meta.Remove(JobMeta.Listed);
        job.Outcomes.Reopen([OutcomeKind.Rejected, OutcomeKind.Dead, OutcomeKind.NotPublished]);
        if (!Question.IsSame(before, settings.Template))
            job.Items.Reopen(own => Question.Of(before, own) != Question.Of(settings.Template, own), job.Outcomes);
        job.Rewind();
        job.Items.IndexKeys();
        ItemClaims.Begin(Database);
        EnsureWaiting();
        Database.Execute("DELETE FROM waiting");
        Database.Execute("DELETE FROM faults");
    });

    /// <summary>
    /// Compares what was listed, and remembers where listing goes on, both or neither. At the end it compares what waits, some at a time: whoever
    /// takes the job up after a crash finds only the rest, and others may write to the file in between.
    /// </summary>
    /// <param name="items">What was listed since the last call.</param>
    /// <param name="position">Where listing goes on; null where it was.</param>
    /// <param name="isEnd">Whether that was the end; the job is listed once all that waits is compared.</param>
    /// <param name="stop">Stops comparing what waits.</param>
    /// <returns>How many are known to be new or changed.</returns>
    public int Compare(IReadOnlyList<ListedItem> items, string? position, bool isEnd, CancellationToken stop = default)
    {
        var changed = Database.Write(() =>
        {
            ItemClaims.Ensure(Database);
            EnsureWaiting();
            job.Listed(items.Count, position, isEnd: false);
            return Merge(items, mayWait: true);
        });
        while (isEnd && !job.IsListed && job.Control != JobControl.Cancelled)
        {
            // Other processes look from time to time whether the file is free: one that is free for an instant is never theirs.
            stop.WaitHandle.WaitOne(Gap);
            stop.ThrowIfCancellationRequested();
            changed += Database.Write(CompareWaiting);
        }

        return changed;
    }

    /// <summary>
    /// Ends the comparison once everything is listed and answered: results of other models than those that answer now are outdated. Of whatever lines
    /// ask no result has come for, one item is asked again to find out, once: if it gets none either, the results of the others stay.
    /// </summary>
    /// <param name="now">The outcome of the last result in this pass by what was asked for; null is added where an item is asked again.</param>
    /// <returns>Whether nothing is to be published any more.</returns>
    public bool End(Dictionary<AskedModels, int?> now) => Database.Write(() =>
    {
        var described = job.Items.Described(job.Outcomes);
        var unknown = described.Where(items => !now.ContainsKey(items.Asked)).DistinctBy(items => items.Asked).ToList();
        foreach (var items in unknown)
        {
            job.Outcomes.Reopen(items.First, items.Code);
            now[items.Asked] = null;
        }

        var outdated = unknown.Count > 0 ? [] : described.Where(items => now[items.Asked] is { } code && code != items.Code).ToList();
        foreach (var items in outdated)
            job.Outcomes.Reopen(items.Code, items.Asked);
        if (unknown.Count == 0)
            job.Meta.Set(JobMeta.Comparing, 0);
        if (unknown.Count + outdated.Count == 0)
            return true;
        job.Rewind();
        return false;
    });

    private void EnsureWaiting() => Database.Execute(
        "CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, etag TEXT, own TEXT)");

    private int Merge(IEnumerable<ListedItem> items, bool mayWait)
    {
        var claims = new ItemClaims(Database);
        var changed = items.Count(item => Merge(item, claims, mayWait));
        claims.Save();
        return changed;
    }

    /// <summary>Finds the item that a line stands for, or makes it. Whether it is new or changed.</summary>
    private bool Merge(ListedItem item, ItemClaims claims, bool mayWait)
    {
        var free = job.Items.Find(item).Where(found => !claims.Has(found.Id)).ToList();
        if (free.Count == 0)
        {
            claims.Add(job.Items.Insert(item));
            return true;
        }

        var asked = AskingTheSame(item, free);
        var match = asked.Find(found => found.Etag == item.Etag) ?? asked.FirstOrDefault();
        if (match is null && mayWait)
        {
            Database.Execute("INSERT INTO waiting (bucket, key, etag, own) VALUES (?1, ?2, ?3, ?4)", item.Bucket, item.Key, item.Etag, item.Own);
            return false;
        }

        // Without a tag or a version nothing says that the content is the same.
        var isChanged = match is null || (item.Etag is null ? !Question.IsPinned(item.Own) : match.Etag != item.Etag);
        match ??= free[0];
        claims.Add(match.Id);
        if (isChanged)
            job.Outcomes.Reopen(match.Id, match.State);
        if (isChanged || match.Own != item.Own)
            job.Items.Update(match.Id, isChanged ? item.Etag : match.Etag, item.Own);
        return isChanged;
    }

    private List<FoundItem> AskingTheSame(ListedItem item, List<FoundItem> free)
    {
        var equal = free.FindAll(found => found.Own == item.Own);
        if (equal.Count > 0)
            return equal;
        var question = Question.Of(job.Settings.Template, item.Own);
        return free.FindAll(found => Question.Of(job.Settings.Template, found.Own) == question);
    }

    /// <summary>Compares the first of the lines that wait; with the last of them the job is listed.</summary>
    private int CompareWaiting()
    {
        var rows = Database.Rows(
            "SELECT id, bucket, key, etag, own FROM waiting ORDER BY id LIMIT ?1",
            row => (Id: row.GetInt64(0), Item: new ListedItem(row.GetString(1), row.GetString(2), JobItems.Text(row, 3), JobItems.Text(row, 4))),
            Batch);
        if (rows.Count > 0)
            Database.Execute("DELETE FROM waiting WHERE id <= ?1", rows[^1].Id);
        if (rows.Count < Batch)
            job.Listed(0, position: null, isEnd: true);
        return Merge(rows.Select(row => row.Item), mayWait: false);
    }
}

/// <summary>For which tasks and of which models a request of its own asks, as JSON; null is what the job says for all.</summary>
internal readonly record struct AskedModels(string? Tasks, string? Models);

/// <summary>Items that have one described outcome and ask for the same tasks of the same models.</summary>
/// <param name="Code">The outcome's code.</param>
/// <param name="Asked">What they ask for.</param>
/// <param name="First">The first of them.</param>
internal sealed record DescribedItems(int Code, AskedModels Asked, long First);
