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

    private readonly Dictionary<string, long> _buckets = new(StringComparer.Ordinal);
    private bool? _hasIndex;
    private readonly byte[] _room = new byte[ResultBytes * results];

    /// <summary>Items listed so far.</summary>
    public long Count => database.Scalar<long>("SELECT MAX(id) FROM items");

    /// <summary>Adds items.</summary>
    public void Insert(IReadOnlyList<ListedItem> items)
    {
        foreach (var item in items)
            Insert(item);
    }

    /// <summary>The next items to publish after a number.</summary>
    public List<JobItem> Next(long after, int count) => database.Rows(
        "SELECT i.id, b.name, i.key, i.etag, i.own FROM items i JOIN buckets b ON b.id = i.bucket WHERE i.id > ?1 AND i.state = ?2 ORDER BY i.id LIMIT ?3",
        reader => new JobItem(
            reader.GetInt64(0), reader.GetString(1), reader.GetString(2), EtagBytes.Read(Blob(reader, 3)), reader.IsDBNull(4) ? null : reader.GetString(4)),
        after, ItemState.Pending, count);

    /// <summary>How many wait after a number.</summary>
    public long CountPending(long after) => database.Scalar<long>("SELECT COUNT(*) FROM items WHERE id > ?1 AND state = ?2", after, ItemState.Pending);

    /// <summary>Compares with what is there already; returns how many are new or have changed.</summary>
    public int Merge(IReadOnlyList<ListedItem> items, JobOutcomes outcomes)
    {
        var changed = 0;
        foreach (var item in items)
        {
            var found = Find(item);
            if (found is null)
            {
                Insert(item);
                changed++;
            }
            else if (item.Etag is null || EtagBytes.Read(found.Etag) != item.Etag || found.Own != item.Own)
            {
                outcomes.Reopen(found.Id, found.State);
                database.Execute("UPDATE items SET etag = ?2, own = ?3 WHERE id = ?1", found.Id, EtagBytes.Write(item.Etag), item.Own);
                changed++;
            }
        }

        return changed;
    }

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

    /// <summary>Makes the first item that has a result wait again; false if none has.</summary>
    public bool ReopenFirst(JobOutcomes outcomes)
    {
        foreach (var code in outcomes.All().Where(outcome => outcome is { Kind: OutcomeKind.Described, Count: > 0 }).Select(outcome => outcome.Code))
        {
            if (database.Scalar<long>("SELECT id FROM items WHERE state = ?1 LIMIT 1", code) is var id and > 0)
            {
                outcomes.Reopen(id, code);
                return true;
            }
        }

        return false;
    }

    private void Insert(ListedItem item)
    {
        var bucket = Bucket(item.Bucket);
        database.Execute(
            "INSERT INTO items (state, bucket, key, etag, results, own) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            ItemState.Pending, bucket, item.Key, EtagBytes.Write(item.Etag), _room, item.Own);
        if (HasIndex)
            Index(Count, bucket, item.Key);
    }

    private bool HasIndex => _hasIndex ??= database.Scalar<long>("SELECT COUNT(*) FROM sqlite_master WHERE name = 'keys'") > 0;

    // Of several requests about an object the one that asks the same.
    private FoundItem? Find(ListedItem item)
    {
        var bucket = Bucket(item.Bucket);
        return database.Rows(
            "SELECT i.id, i.state, i.etag, i.own FROM keys k JOIN items i ON i.id = k.item WHERE k.hash = ?1 AND i.bucket = ?2 AND i.key = ?3 "
                + "ORDER BY i.own IS ?4 DESC, i.id LIMIT 1",
            reader => new FoundItem(reader.GetInt64(0), reader.GetInt32(1), Blob(reader, 2), reader.IsDBNull(3) ? null : reader.GetString(3)),
            Hash(bucket, item.Key), bucket, item.Key, item.Own).FirstOrDefault();
    }

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

    private sealed record FoundItem(long Id, int State, byte[]? Etag, string? Own);
}
