using System.Globalization;
using System.Text.RegularExpressions;
using Parquet.Serialization;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Results;

/// <summary>Parquet files of so many rows, each written whole and then named. Embeddings are lists of floats.</summary>
/// <remarks>
/// A Parquet file can be read only when its end is written, so messages stay unacknowledged until their file is full or old enough. After a
/// crash between naming a file and acknowledging its messages, these come again; what the last file holds is not written twice. Names tell
/// which file is the last: each has a later time than the one before, whatever the clock says. So a folder has one writer at a time: another would
/// remove what this one has not finished, and what this one wrote last would not be the last file. Its lock's name begins as those that readers of
/// such folders leave out.
/// </remarks>
internal sealed partial class ParquetStore : IResultStore
{
    private const string TimeFormat = "yyyyMMdd'T'HHmmss.fff";
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

    private readonly List<ResultRow> _rows = [];
    private readonly HashSet<(string?, string?, long)> _last = [];
    private readonly JobLease _lease;
    private readonly string _folder;
    private readonly TimeProvider _time;
    private DateTime _latest;
    private int _number;

    private ParquetStore(JobLease lease, string folder, int rows, TimeSpan delay, TimeProvider time) =>
        (_lease, _folder, Capacity, Delay, _time) = (lease, folder, rows, delay, time);

    /// <inheritdoc/>
    public int Capacity { get; }

    /// <inheritdoc/>
    public TimeSpan Delay { get; }

    /// <summary>Opens a folder; what a crash has left unfinished is removed.</summary>
    /// <exception cref="ProducerException">It can't be used, or another process writes into it.</exception>
    public static async Task<ParquetStore> OpenAsync(string folder, int rows, TimeSpan delay, TimeProvider time)
    {
        DurableFile.Guard(folder, () => Directory.CreateDirectory(folder));
        var store = new ParquetStore(JobLease.TakeResults(folder, Path.Combine(folder, "_results")), folder, rows, delay, time);
        try
        {
            await store.TakeUpAsync();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Add(Arrival arrival)
    {
        var row = ResultRows.Of(AnswerBody.Read(arrival.Body));
        if (!arrival.Redelivered || !_last.Contains(Identity(row)))
            _rows.Add(row);
    }

    /// <inheritdoc/>
    public async Task FlushAsync()
    {
        if (_rows.Count == 0)
            return;
        using var content = new MemoryStream();
        await ParquetSerializer.SerializeAsync(_rows, content);
        DurableFile.Guard(_folder, () =>
        {
            DurableFile.WriteNew(NextPath(), content.GetBuffer().AsSpan(0, (int)content.Length));
            return true;
        });
        _rows.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => _lease.Dispose();

    private async Task TakeUpAsync()
    {
        var last = DurableFile.Guard(_folder, () =>
        {
            foreach (var unfinished in Directory.EnumerateFiles(_folder, "results-*.parquet" + DurableFile.Unfinished))
                File.Delete(unfinished);
            return Directory.EnumerateFiles(_folder, "results-*.parquet")
                .Select(path => (Path: path, Time: TimeOf(path)))
                .Where(file => file.Time is not null)
                .OrderBy(file => file.Time).ThenBy(file => file.Path, StringComparer.Ordinal).LastOrDefault();
        });
        if (last is not (Path: { } path, Time: { } latest))
            return;
        _latest = latest;
        try
        {
            await using var file = File.OpenRead(path);
            foreach (var row in (await ParquetSerializer.DeserializeAsync<ResultRow>(file)).Data)
                _last.Add(Identity(row));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new ProducerException(ExitCode.JobFile, $"{path} can't be read: {error.Message}. Move it away if it is none of ours", error);
        }
    }

    private string NextPath()
    {
        string path;
        _number++;
        do
        {
            _latest = new[] { _time.GetUtcNow().UtcDateTime, _latest + Step }.Max();
            path = Path.Combine(_folder, string.Create(
                CultureInfo.InvariantCulture, $"results-{_latest.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{_number:D4}.parquet"));
        }
        while (File.Exists(path));
        return path;
    }

    /// <summary>The time in a file's name, UTC; null for a file that is none of ours.</summary>
    private static DateTime? TimeOf(string path)
    {
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        return OwnName().Match(Path.GetFileName(path)) is { Success: true } name
            && DateTime.TryParseExact(name.Groups[1].ValueSpan, TimeFormat, CultureInfo.InvariantCulture, Utc, out var time)
            ? time
            : null;
    }

    [GeneratedRegex(@"^results-(\d{8}T\d{6}\.\d{3})-\d{4,}\.parquet$", RegexOptions.CultureInvariant)]
    private static partial Regex OwnName();

    // Whole milliseconds: a file need not keep more of a time.
    private static (string?, string?, long) Identity(ResultRow row) =>
        (
        row.Id,
        row.CaptionResultId ?? row.EmbeddingResultId ?? row.AnswerResultId ?? row.DetectResultId ?? row.ClassifyResultId ?? row.Reason,
        row.AnsweredAt.Ticks / TimeSpan.TicksPerMillisecond);
}
