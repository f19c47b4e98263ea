using System.Security.Cryptography;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Results;

/// <summary>One file with a JSON document a line. A line that a crash has torn is removed, and what the end of the file holds is not written twice.</summary>
internal sealed class JsonLinesStore : IResultStore
{
    /// <summary>How far from the end lines are looked at that the broker may deliver again.</summary>
    private const long TailBytes = 64L << 20;

    private readonly FileStream _file;
    private readonly MemoryStream _line = new();
    private readonly JsonLinesWriter _writer;
    private readonly HashSet<string> _tail = new(StringComparer.Ordinal);
    private readonly string _path;

    /// <summary>On Unix no sharing mode of a file lets readers in and keeps a second writer out.</summary>
    private readonly JobLease? _lease;

    /// <param name="path">The file; made if there is none.</param>
    /// <exception cref="ProducerException">It can't be opened, or another process writes to it.</exception>
    public JsonLinesStore(string path)
    {
        _path = path;
        _writer = new JsonLinesWriter(_line);
        _file = DurableFile.Guard(path, () => new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 64 << 10));
        try
        {
            if (!_file.CanSeek)
                throw new ProducerException(ExitCode.JobFile, $"{path} is no file; without --to-jsonl results are printed");
            _lease = JobLease.TakeResults(path, path);
            DurableFile.Guard(path, ReadTail);
            DurableFile.SyncFolderOf(path);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public int Capacity => 1000;

    /// <inheritdoc/>
    public TimeSpan Delay => TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    public void Add(Arrival arrival)
    {
        _line.SetLength(0);
        _writer.Write(arrival.Body);
        var line = _line.GetBuffer().AsSpan(0, (int)_line.Length);
        if (arrival.Redelivered && _tail.Contains(Hash(line[..^1])))
            return;
        DurableFile.Guard(_path, () =>
        {
            _file.Write(_line.GetBuffer(), 0, (int)_line.Length);
            return true;
        });
    }

    /// <inheritdoc/>
    public Task FlushAsync()
    {
        DurableFile.Guard(_path, () =>
        {
            _file.Flush(flushToDisk: true);
            return true;
        });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _file.Dispose();
        }
        catch (IOException)
        {
            // What was to be written comes again.
        }

        _lease?.Dispose();
        _line.Dispose();
    }

    private bool ReadTail()
    {
        TornLine.Mend(_file);
        var start = Math.Max(0, _file.Length - TailBytes);
        _file.Position = start;
        var tail = new byte[_file.Length - start];
        _file.ReadExactly(tail);

        // The first line of the tail may lack its beginning; it then equals nothing.
        for (var (from, to) = (0, 0); (to = Array.IndexOf(tail, (byte)'\n', from)) >= 0; from = to + 1)
            _tail.Add(Hash(tail.AsSpan(from, to - from)));
        return true;
    }

    private static string Hash(ReadOnlySpan<byte> line) => Convert.ToBase64String(SHA256.HashData(line));
}
