using System.Text;
using Microsoft.Data.Sqlite;

namespace VlWorker.Producer.Jobs;

/// <summary>An item as a source lists it.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Key">The key.</param>
/// <param name="Etag">The entity tag, or null.</param>
/// <param name="Own">What the request has of its own, as JSON, or null.</param>
internal sealed record ListedItem(string Bucket, string Key, string? Etag, string? Own);

/// <summary>The items of a job. Numbers are given in the order of the source and never change.</summary>
/// <param name="database">The job's database. All methods that write are to be called in a transaction.</param>
/// <param name="results">Results of an item.</param>
internal sealed class JobItems(JobDatabase database, int results)
{
    private const int ResultBytes = 32;
    private const string TasksAsked = "json_extract(own, '$.tasks')", ModelsAsked = "json_extract(own, '$.models')";

    private readonly Dictionary<string, long> _buckets = new(StringComparer.Ordinal);
    private bool? _hasIndex;
    private readonly byte[] _room = new byte[ResultBytes * results];

    /// <summary>Items listed so far.</summary>
    public long Count => database.Scalar<long>("SELECT MAX(id) FROM items");

    /// <summary>The next items to publish after a number.</summary>
    public List<JobItem> Next(long after, int count) => database.Rows(
        "SELECT i.id, b.name, i.key, i.etag, i.own FROM items i JOIN buckets b ON b.id = i.bucket WHERE i.id > ?1 AND i.state = ?2 ORDER BY i.id LIMIT ?3",
        reader => new JobItem(
            reader.GetInt64(0), reader.GetString(1), reader.GetString(2), EtagBytes.Read(Blob(reader, 3)), Text(reader, 4)),
        after, ItemState.Pending, count);

    /// <summary>How many wait after a number.</summary>
    public long CountPending(long after) => database.Scalar<long>("SELECT COUNT(*) FROM items WHERE id > ?1 AND state = ?2", after, ItemState.Pending);

    /// <summary>Adds an item and returns its number.</summary>
    public long Insert(ListedItem item)
    {
        var bucket = Bucket(item.Bucket);
        database.Execute(
            "INSERT INTO items (state, bucket, key, etag, results, own) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            ItemState.Pending, bucket, item.Key, EtagBytes.Write(item.Etag), _room, item.Own);
        var id = Count;
        if (HasIndex)
            Index(id, bucket, item.Key);
        return id;
    }

    /// <summary>The items of an object, in the order of their numbers; keys must be indexed.</summary>
    public List<FoundItem> Find(ListedItem item)
    {
        var bucket = Bucket(item.Bucket);
        return database.Rows(
            "SELECT i.id, i.state, i.etag, i.own FROM keys k JOIN items i ON i.id = k.item "
                + "WHERE k.hash = ?1 AND i.bucket = ?2 AND i.key = ?3 ORDER BY i.id",
            reader => new FoundItem(reader.GetInt64(0), reader.GetInt32(1), EtagBytes.Read(Blob(reader, 2)), Text(reader, 3)),
            Hash(bucket, item.Key), bucket, item.Key);
    }

    /// <summary>Changes what is listed of an item.</summary>
    public void Update(long id, string? etag, string? own) =>
        database.Execute("UPDATE items SET etag = ?2, own = ?3 WHERE id = ?1", id, EtagBytes.Write(etag), own);

    /// <summary>Makes finding an item by its key quick, for later passes; four bytes of a hash an item and its number.</summary>
    public void IndexKeys()
    {
        database.Execute("CREATE TABLE IF NOT EXISTS keys (hash INTEGER NOT NULL, item INTEGER NOT NULL, PRIMARY KEY (hash, item)) WITHOUT ROWID");
        var last = database.Scalar<long>("SELECT COUNT(*) FROM keys");
        while (true)
        {
            var rows = database.Rows(
                "SELECT id, bucket, key FROM items WHERE id > ?1 ORDER BY id LIMIT 10000",
                reader => (Id: reader.GetInt64(0), Bucket: reader.GetInt64(1), Key: reader.GetString(2)),
                last);
            foreach (var row in rows)
                Index(row.Id, row.Bucket, row.Key);
            if (rows.Count == 0)
                return;
            last = rows[^1].Id;
        }
    }

    /// <summary>What an item asks for; null if there is no such item.</summary>
    public AskedModels? Asked(long id) => database.Rows<AskedModels?>(
        $"SELECT {TasksAsked}, {ModelsAsked} FROM items WHERE id = ?1",
        reader => new AskedModels(Text(reader, 0), Text(reader, 1)),
        id).FirstOrDefault();

    /// <summary>The items that have a result, by outcome and by what they ask for.</summary>
    public List<DescribedItems> Described(JobOutcomes outcomes)
    {
        // Most jobs have no line that asks for something of its own; sorting all items for that would take long.
        var codes = outcomes.All().Where(outcome => outcome is { Kind: OutcomeKind.Described, Count: > 0 }).Select(outcome => outcome.Code).ToList();
        var plain = codes.Select(code => new DescribedItems(code, default, FirstPlain(code))).Where(items => items.First > 0);
        var own = database.Rows(
            $"SELECT state, {TasksAsked}, {ModelsAsked}, MIN(id) FROM items WHERE own IS NOT NULL AND state >= ?1 GROUP BY 1, 2, 3",
            reader => new DescribedItems(reader.GetInt32(0), new AskedModels(Text(reader, 1), Text(reader, 2)), reader.GetInt64(3)),
            ItemState.FirstOutcome);
        return [.. plain.Concat(own.Where(items => codes.Contains(items.Code))).OrderBy(items => items.First).DistinctBy(items => (items.Code, items.Asked))];
    }

    /// <summary>A column's text; null where it has none.</summary>
    public static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private long FirstPlain(int code) => database.Scalar<long>("SELECT id FROM items WHERE state = ?1 AND own IS NULL LIMIT 1", code);

    /// <summary>Makes items that have an outcome wait again.</summary>
    /// <param name="isOutdated">Which, by what the request has of its own.</param>
    /// <param name="outcomes">The outcomes.</param>
    public void Reopen(Func<string?, bool> isOutdated, JobOutcomes outcomes)
    {
        const int Batch = 10_000;
        if (isOutdated(null))
            outcomes.ReopenPlain();
        for (var last = 0L; ;)
        {
            var rows = database.Rows(
                "SELECT id, state, own FROM items WHERE id > ?1 AND state >= ?2 AND own IS NOT NULL ORDER BY id LIMIT ?3",
                reader => (Id: reader.GetInt64(0), State: reader.GetInt32(1), Own: reader.GetString(2)),
                last, ItemState.FirstOutcome, Batch);
            foreach (var row in rows.Where(row => isOutdated(row.Own)))
                outcomes.Reopen(row.Id, row.State);
            if (rows.Count < Batch)
                return;
            last = rows[^1].Id;
        }
    }

    private bool HasIndex => _hasIndex ??= database.Scalar<long>("SELECT COUNT(*) FROM sqlite_master WHERE name = 'keys'") > 0;

    private void Index(long id, long bucket, string key) => database.Execute("INSERT INTO keys (hash, item) VALUES (?1, ?2)", Hash(bucket, key), id);

    private long Bucket(string name)
    {
        if (_buckets.TryGetValue(name, out var known))
            return known;
        database.Execute("INSERT INTO buckets (name) VALUES (?1) ON CONFLICT DO NOTHING", name);
        return _buckets[name] = database.Scalar<long>("SELECT id FROM buckets WHERE name = ?1", name);
    }

    // FNV-1a: the same in every process and version. Collisions cost one more look, so four bytes are enough.
    private static long Hash(long bucket, string key)
    {
        var hash = 2166136261u ^ (uint)bucket;
        foreach (var unit in Encoding.UTF8.GetBytes(key))
            hash = (hash ^ unit) * 16777619u;
        return (int)hash;
    }

    private static byte[]? Blob(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);
}

/// <summary>An item of an object that a source lists again.</summary>
/// <param name="Id">Its number.</param>
/// <param name="State">Its state.</param>
/// <param name="Etag">The entity tag of what was described, else the listed one, or null.</param>
/// <param name="Own">What the request has of its own, as JSON, or null.</param>
internal sealed record FoundItem(long Id, int State, string? Etag, string? Own);
