using System.Globalization;
using System.Text.Json;

namespace VlWorker.Producer.Jobs;

/// <summary>A job in a file: its settings, every item with its state, and how far publishing and listing have come.</summary>
/// <remarks>
/// Items are published in the order of their numbers, so a single number, the watermark, says which of them have been confirmed. A process that
/// dies leaves at most one window of items behind whose confirms were not recorded; they are published again.
/// </remarks>
internal sealed class JobFile : IDisposable
{
    private JobFile(JobDatabase database, JobSettings settings)
    {
        Settings = settings;
        Database = database;
        Items = new JobItems(database, settings.TaskCount);
        Outcomes = new JobOutcomes(database);
        Meta = new JobMeta(database);
        Cancellation = new JobCancellation(this);
        Pass = new LaterPass(this);
    }

    /// <summary>What the job is.</summary>
    public JobSettings Settings { get; private set; }

    /// <summary>Its items.</summary>
    public JobItems Items { get; }

    /// <summary>What became of them.</summary>
    public JobOutcomes Outcomes { get; }

    /// <summary>What it says about the job as a whole.</summary>
    public JobMeta Meta { get; }

    /// <summary>A later pass over its source.</summary>
    public LaterPass Pass { get; }

    /// <summary>The job's cancellation.</summary>
    public JobCancellation Cancellation { get; }

    /// <summary>The database, for reports.</summary>
    public JobDatabase Database { get; }

    /// <summary>The job's own queue on the broker: part of its name is random, for different jobs may share a word.</summary>
    public string Queue => Meta.Get(JobMeta.Queue)!;

    /// <summary>Items up to this number have been published and confirmed.</summary>
    public long Watermark => Meta.Number(JobMeta.Watermark);

    /// <summary>Where listing goes on, in the source's own words; null for its beginning.</summary>
    public string? Position => Meta.Get(JobMeta.Position);

    /// <summary>Whether the source has been listed to its end.</summary>
    public bool IsListed => Meta.Is(JobMeta.Listed);

    /// <summary>Items that the pass over the source has come by, new or not.</summary>
    public long Seen => Meta.Get(JobMeta.Seen) is { } seen ? long.Parse(seen, CultureInfo.InvariantCulture) : Items.Count;

    /// <summary>What the job is to do.</summary>
    public JobControl Control => Enum.Parse<JobControl>(Meta.Get(JobMeta.Control) ?? nameof(JobControl.Run));

    /// <summary>Whether a later pass has not found out yet which model answers now.</summary>
    public bool IsComparing => Meta.Is(JobMeta.Comparing);

    /// <summary>Time in which answers came, in seconds.</summary>
    public double WorkingSeconds => double.Parse(Meta.Get(JobMeta.Working) ?? "0", CultureInfo.InvariantCulture);

    /// <summary>When the file was made.</summary>
    public string? CreatedAt => Meta.Get(JobMeta.Created);

    /// <summary>Items that have no outcome yet.</summary>
    public long Unanswered => Items.Count - Outcomes.Settled;

    /// <summary>Makes a file for a new job.</summary>
    /// <exception cref="ProducerException">It exists, or can't be made.</exception>
    public static JobFile Create(string path, JobSettings settings, TimeProvider time)
    {
        if (File.Exists(path))
            return BeginAgain(path, settings);

        // Under another name until it is whole: a producer that dies here, or a full disk, leaves nothing that looks like a job.
        var unfinished = path + ".new";
        JobDatabase.Delete(unfinished);
        try
        {
            Begin(unfinished, settings, time);
            File.Move(unfinished, path);
        }
        finally
        {
            JobDatabase.Delete(unfinished);
        }

        return Open(path);
    }

    private static void Begin(string path, JobSettings settings, TimeProvider time)
    {
        using var job = new JobFile(JobDatabase.Create(path), settings);
        job.Meta.Set(JobMeta.Settings, settings.ToJson());
        job.Meta.Set(JobMeta.Queue, $"vl.job.{Contracts.Topology.Word(settings.Job)}.{Guid.NewGuid():N}"[..^24]);
        job.Meta.Set(JobMeta.Publishing, 0);
        job.Meta.Set(JobMeta.Created, time.GetUtcNow().ToString("u", CultureInfo.InvariantCulture));

        // Closing does the same, and says nothing when it fails.
        job.Database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// <summary>A job that could not list anything, since its source was misspelt, takes other settings; any other one is not to be lost.</summary>
    private static JobFile BeginAgain(string path, JobSettings settings)
    {
        using (var job = Open(path))
        {
            if (job.Items.Count > 0 || job.Position is not null || job.IsListed || job.Settings.Job != settings.Job)
                throw new ProducerException(ExitCode.JobFile, $"{path} exists: --resume takes it up, --only-changed lists again and publishes what changed");
            job.Meta.Set(JobMeta.Settings, settings.ToJson());
            job.Meta.Set(JobMeta.Control, nameof(JobControl.Run));
        }

        return Open(path);
    }

    /// <summary>Opens a file.</summary>
    /// <exception cref="ProducerException">It is none.</exception>
    public static JobFile Open(string path)
    {
        var database = JobDatabase.Open(path);
        try
        {
            return new JobFile(database, JobSettings.Parse(database.Scalar<string>("SELECT value FROM meta WHERE name = ?1", JobMeta.Settings) ?? "null"));
        }
        catch (JsonException error)
        {
            database.Dispose();
            throw new ProducerException(ExitCode.JobFile, $"{path} holds settings that can't be read: {error.Message}", error);
        }
    }

    /// <summary>Adds what was listed, and remembers where listing goes on, both or neither.</summary>
    public void Add(IReadOnlyList<ListedItem> items, string? position, bool isEnd) => Database.Write(() =>
    {
        foreach (var item in items)
            Items.Insert(item);
        Listed(items.Count, position, isEnd);
    });

    /// <summary>Remembers how far listing has come. To be called in a transaction.</summary>
    /// <param name="items">Items that it came by since the last call.</param>
    /// <param name="position">Where it goes on; null where it was.</param>
    /// <param name="isEnd">Whether that was the end.</param>
    public void Listed(int items, string? position, bool isEnd)
    {
        Meta.Set(JobMeta.Seen, Seen + items);
        if (position is not null)
            Meta.Set(JobMeta.Position, position);
        if (isEnd)
            Meta.Set(JobMeta.Listed, 1);
    }

    /// <summary>Gives the job other settings.</summary>
    public void Change(JobSettings settings)
    {
        Settings = settings;
        Meta.Set(JobMeta.Settings, settings.ToJson());
    }

    /// <summary>Everything that has no answer is to be published again: the queue for the answers was gone.</summary>
    public void Rewind() => Meta.Set(JobMeta.Watermark, 0);

    /// <summary>Remembers that everything up to a number is confirmed. False if the watermark is not where it was: a rewind has the last word.</summary>
    public bool Advance(long from, long to) => Database.Execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?3) ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value = ?2",
        JobMeta.Watermark, from.ToString(CultureInfo.InvariantCulture), to.ToString(CultureInfo.InvariantCulture)) > 0;

    /// <summary>Records answers; returns those that were the first for their item.</summary>
    public List<Settlement> Settle(IReadOnlyList<Settlement> settlements, double workingSeconds) => Database.Write(() =>
    {
        if (workingSeconds > 0)
            Meta.Set(JobMeta.Working, (WorkingSeconds + workingSeconds).ToString("R", CultureInfo.InvariantCulture));
        return settlements.Where(settlement => Outcomes.Settle(settlement)).ToList();
    });

    /// <summary>Remembers a faulty entry of the source, up to so many.</summary>
    public void AddFault(long place, string message, int most)
    {
        if (Database.Scalar<long>("SELECT COUNT(*) FROM faults") < most)
            Database.Execute("INSERT INTO faults (place, message) VALUES (?1, ?2) ON CONFLICT DO NOTHING", place, message);
    }

    /// <summary>Says what the job is to do; a producer that runs it notices.</summary>
    public void Command(JobControl control) => Meta.Set(JobMeta.Control, control.ToString());

    /// <inheritdoc/>
    public void Dispose() => Database.Dispose();
}

/// <summary>What a job is to do.</summary>
internal enum JobControl
{
    /// <summary>Publish.</summary>
    Run,

    /// <summary>Publish nothing; answers are still taken.</summary>
    Paused,

    /// <summary>Publish nothing any more.</summary>
    Cancelled,
}
