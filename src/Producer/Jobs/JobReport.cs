namespace VlWorker.Producer.Jobs;

/// <summary>What became of a job, read from its file at one moment.</summary>
internal sealed record JobReport
{
    /// <summary>The job's name.</summary>
    public required string Job { get; init; }

    /// <summary>Where its images are named.</summary>
    public required string Source { get; init; }

    /// <summary>When the file was made.</summary>
    public required string Created { get; init; }

    /// <summary>Items listed.</summary>
    public required long Listed { get; init; }

    /// <summary>Items without an answer.</summary>
    public required long Unanswered { get; init; }

    /// <summary>Answers a second while answers came, or null.</summary>
    public required double? Throughput { get; init; }

    /// <summary>Outcomes, the most frequent first.</summary>
    public required IReadOnlyList<OutcomeCount> Outcomes { get; init; }

    /// <summary>Some items of outcomes other than a result, with what was said about them.</summary>
    public required IReadOnlyList<Example> Examples { get; init; }

    /// <summary>The items that took longest, the slowest first.</summary>
    public required IReadOnlyList<SlowItem> Slowest { get; init; }

    /// <summary>Entries of the source that were left out.</summary>
    public required IReadOnlyList<(long Place, string Message)> Faults { get; init; }

    /// <summary>Reads it.</summary>
    public static JobReport Read(JobFile job)
    {
        var database = job.Database;
        return new JobReport
        {
            Job = job.Settings.Job,
            Source = job.Settings.Source.ToString(),
            Created = job.CreatedAt ?? "",
            Listed = job.Items.Count,
            Unanswered = job.Unanswered,
            Throughput = job.WorkingSeconds > 0 ? job.Outcomes.Settled / job.WorkingSeconds : null,
            Outcomes = [.. job.Outcomes.All().Where(outcome => outcome.Count > 0).OrderByDescending(outcome => outcome.Count)],
            Examples = database.Rows(
                """
                SELECT o.kind, o.detail, i.key, e.detail FROM examples e JOIN outcomes o ON o.code = e.code
                JOIN items i ON i.id = e.item AND i.state = e.code ORDER BY e.code, e.item
                """,
                reader => new Example(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3))),
            Slowest = database.Rows(
                "SELECT i.key, s.milliseconds FROM slowest s JOIN items i ON i.id = s.item ORDER BY s.milliseconds DESC",
                reader => new SlowItem(reader.GetString(0), reader.GetDouble(1))),
            Faults = database.Rows("SELECT place, message FROM faults ORDER BY place", reader => (reader.GetInt64(0), reader.GetString(1))),
        };
    }

    /// <summary>Every item that has an outcome other than a result, in the order of numbers.</summary>
    public static IEnumerable<(string Bucket, string Key, string Kind, string Detail)> NotDescribed(JobFile job)
    {
        const int Batch = 1000;
        var last = 0L;
        while (true)
        {
            var rows = job.Database.Rows(
                """
                SELECT i.id, b.name, i.key, o.kind, o.detail FROM items i JOIN outcomes o ON o.code = i.state JOIN buckets b ON b.id = i.bucket
                WHERE i.id > ?1 AND o.kind <> ?2 ORDER BY i.id LIMIT ?3
                """,
                row => (Id: row.GetInt64(0), Bucket: row.GetString(1), Key: row.GetString(2), Kind: row.GetString(3), Detail: row.GetString(4)),
                last, OutcomeKind.Described, Batch);
            foreach (var row in rows)
                yield return (row.Bucket, row.Key, row.Kind, row.Detail);
            if (rows.Count < Batch)
                yield break;
            last = rows[^1].Id;
        }
    }
}

/// <summary>An item and what was said about it.</summary>
internal sealed record Example(string Kind, string Reason, string Key, string Text);

/// <summary>An item and its time at work.</summary>
internal sealed record SlowItem(string Key, double Milliseconds);
