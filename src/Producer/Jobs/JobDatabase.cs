using System.Globalization;
using Microsoft.Data.Sqlite;

namespace VlWorker.Producer.Jobs;

/// <summary>The SQLite database of a job file: one connection, one piece of work at a time.</summary>
/// <remarks>
/// Every commit reaches the disk before it returns: what is acknowledged at the broker afterwards is never lost. The write-ahead log lets
/// <c>status</c> read while a producer writes. Items are rows in the order of their numbers, as long at first as they will be in the end, so that
/// recording an outcome changes a page in place.
/// </remarks>
internal sealed class JobDatabase : IDisposable
{
    private const int ApplicationId = 0x764C4A01;

    /// <summary>Of the schema. What a later one means is not known here.</summary>
    private const int Version = 1;

    private const string Schema = """
        PRAGMA page_size = 8192;
        PRAGMA journal_mode = WAL;
        CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE buckets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE outcomes (code INTEGER PRIMARY KEY, kind TEXT NOT NULL, detail TEXT NOT NULL, count INTEGER NOT NULL, UNIQUE (kind, detail));
        CREATE TABLE items (
            id INTEGER PRIMARY KEY, state INTEGER NOT NULL, bucket INTEGER NOT NULL, key TEXT NOT NULL, etag BLOB, results BLOB, own TEXT);
        CREATE TABLE examples (code INTEGER, item INTEGER, detail TEXT NOT NULL, PRIMARY KEY (code, item)) WITHOUT ROWID;
        CREATE TABLE slowest (item INTEGER PRIMARY KEY, milliseconds REAL NOT NULL);
        CREATE TABLE faults (place INTEGER PRIMARY KEY, message TEXT NOT NULL);
        PRAGMA user_version = 1;
        PRAGMA application_id = 1984711169;
        """;

    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);
    private readonly string _path;
    private SqliteTransaction? _transaction;

    static JobDatabase() => SQLitePCL.Batteries_V2.Init();

    private JobDatabase(SqliteConnection connection, string path) => (_connection, _path) = (connection, path);

    /// <summary>Makes a new file.</summary>
    /// <exception cref="ProducerException">It can't be made.</exception>
    public static JobDatabase Create(string path) => Open(path, SqliteOpenMode.ReadWriteCreate, database => database.Execute(Schema));

    /// <summary>Deletes a file and what belongs to it, if it is there.</summary>
    public static void Delete(string path)
    {
        foreach (var part in (string[])[path, path + "-wal", path + "-shm", path + "-journal"])
            File.Delete(part);
    }

    /// <summary>Opens a file.</summary>
    /// <exception cref="ProducerException">There is none, or it is no job file.</exception>
    public static JobDatabase Open(string path)
    {
        if (!File.Exists(path))
            throw new ProducerException(ExitCode.JobFile, $"there is no job file {path}");
        return Open(path, SqliteOpenMode.ReadWrite, database =>
        {
            if (database.Scalar<long>("PRAGMA application_id") != ApplicationId)
                throw new ProducerException(ExitCode.JobFile, $"{path} is no job file");
            if (database.Scalar<long>("PRAGMA user_version") > Version)
                throw new ProducerException(ExitCode.JobFile, $"{path} was made by a later version of vl-producer");
        });
    }

    /// <summary>Runs something in a transaction: all of it is in the file afterwards, or nothing.</summary>
    /// <exception cref="ProducerException">The disk is full, or the file can't be written.</exception>
    public T Write<T>(Func<T> work)
    {
        lock (_gate)
        {
            return Guard(() =>
            {
                using var transaction = _transaction = _connection.BeginTransaction(deferred: false);
                try
                {
                    var result = work();
                    transaction.Commit();
                    return result;
                }
                finally
                {
                    _transaction = null;
                }
            });
        }
    }

    /// <inheritdoc cref="Write{T}"/>
    public void Write(Action work) => Write(() =>
    {
        work();
        return true;
    });

    /// <summary>Reads one value; the type's default if there is none.</summary>
    public T? Scalar<T>(string sql, params ReadOnlySpan<object?> values)
    {
        lock (_gate)
        {
            var command = Prepare(sql, values);
            return Guard(() => command.ExecuteScalar()) is { } value and not DBNull ? (T)Convert.ChangeType(value, typeof(T), CultureInfo.InvariantCulture) : default;
        }
    }

    /// <summary>Reads rows.</summary>
    public List<T> Rows<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<object?> values)
    {
        lock (_gate)
        {
            var command = Prepare(sql, values);
            return Guard(() =>
            {
                var rows = new List<T>();
                using var reader = command.ExecuteReader();
                while (reader.Read())
                    rows.Add(read(reader));
                return rows;
            });
        }
    }

    /// <summary>Changes rows; returns how many.</summary>
    public int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        lock (_gate)
        {
            var command = Prepare(sql, values);
            return Guard(() => command.ExecuteNonQuery());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var command in _commands.Values)
                command.Dispose();
            _connection.Dispose();
        }
    }

    private static JobDatabase Open(string path, SqliteOpenMode mode, Action<JobDatabase> begin)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 30 }.ToString());
        var database = new JobDatabase(connection, path);
        try
        {
            database.Guard(() =>
            {
                connection.Open();
                return true;
            });
            database.Execute("PRAGMA synchronous = FULL");
            begin(database);
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    // A statement is compiled once; ?1, ?2, ... take the values.
    private SqliteCommand Prepare(string sql, ReadOnlySpan<object?> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < values.Length; i++)
                command.Parameters.Add(new SqliteParameter { ParameterName = $"?{i + 1}" });
            _commands.Add(sql, command);
        }

        command.Transaction = _transaction;
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command;
    }

    private T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException error)
        {
            const int InputOutput = 10, Full = 13, NotADatabase = 26;
            throw new ProducerException(ExitCode.JobFile, error.SqliteErrorCode switch
            {
                Full => $"the disk of {_path} is full. What was recorded is safe; make room and go on with --resume",
                NotADatabase => $"{_path} is no job file",
                InputOutput => $"the job file {_path} can't be read or written: is its disk full?",
                _ => $"the job file {_path} can't be used: {error.Message}",
            }, error);
        }
    }
}
