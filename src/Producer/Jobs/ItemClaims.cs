namespace VlWorker.Producer.Jobs;

/// <summary>Which items a later pass has come by: a bit each, in rows of the job file. No two lines of a source stand for the same item.</summary>
/// <param name="database">The job's database. To be used in one transaction.</param>
internal sealed class ItemClaims(JobDatabase database)
{
    private const int ItemsEach = 4096;

    private readonly Dictionary<long, byte[]> _blocks = [];

    /// <summary>Makes room for claims, without any.</summary>
    public static void Begin(JobDatabase database)
    {
        Ensure(database);
        database.Execute("DELETE FROM claims");
    }

    /// <summary>Makes room for claims in files of earlier versions.</summary>
    public static void Ensure(JobDatabase database) =>
        database.Execute("CREATE TABLE IF NOT EXISTS claims (block INTEGER PRIMARY KEY, bits BLOB NOT NULL)");

    /// <summary>Whether an item is claimed.</summary>
    public bool Has(long item) => (Block(item)[item % ItemsEach / 8] & (1 << (int)(item % 8))) != 0;

    /// <summary>Claims an item.</summary>
    public void Add(long item) => Block(item)[item % ItemsEach / 8] |= (byte)(1 << (int)(item % 8));

    /// <summary>Records all claims.</summary>
    public void Save()
    {
        foreach (var (block, bits) in _blocks)
            database.Execute("INSERT INTO claims (block, bits) VALUES (?1, ?2) ON CONFLICT (block) DO UPDATE SET bits = excluded.bits", block, bits);
    }

    private byte[] Block(long item)
    {
        var block = item / ItemsEach;
        if (!_blocks.TryGetValue(block, out var bits))
        {
            bits = database.Rows("SELECT bits FROM claims WHERE block = ?1", reader => reader.GetFieldValue<byte[]>(0), block).FirstOrDefault()
                ?? new byte[ItemsEach / 8];
            _blocks.Add(block, bits);
        }

        return bits;
    }
}
