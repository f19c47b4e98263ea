using System.Globalization;

namespace VlWorker.Producer.Jobs;

/// <summary>What a job file says about the job as a whole: texts and numbers, each under a name.</summary>
/// <param name="database">The job's database.</param>
internal sealed class JobMeta(JobDatabase database)
{
    public const string Settings = "settings", Queue = "queue", Watermark = "watermark", Position = "position", Listed = "listed", Seen = "seen";
    public const string Control = "control", Working = "working", Comparing = "comparing", Created = "created";
    public const string Publishing = "publishing", Untold = "untold";

    /// <summary>A text, or null.</summary>
    public string? Get(string name) => database.Scalar<string>("SELECT value FROM meta WHERE name = ?1", name);

    /// <summary>A number; 0 if there is none.</summary>
    public long Number(string name) => long.Parse(Get(name) ?? "0", CultureInfo.InvariantCulture);

    /// <summary>Whether a number is 1.</summary>
    public bool Is(string name) => Number(name) == 1;

    /// <summary>Sets a text.</summary>
    public void Set(string name, string value) =>
        database.Execute("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value);

    /// <summary>Sets a number.</summary>
    public void Set(string name, long value) => Set(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Forgets a text.</summary>
    public void Remove(string name) => database.Execute("DELETE FROM meta WHERE name = ?1", name);
}
