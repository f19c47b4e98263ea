namespace VlWorker.ModelKit.Conversion;

/// <summary>A folder in the making, beside the one that it becomes. What is not completed goes with <see cref="Dispose"/>.</summary>
internal sealed class PartialFolder : IDisposable
{
    // Longer than making any model takes: what is older was left by a process that was killed.
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);

    private readonly string _final;
    private bool _done;

    /// <summary>Makes an empty folder beside the final one.</summary>
    public PartialFolder(string final)
    {
        _final = System.IO.Path.GetFullPath(final);
        DeleteAbandoned();
        Path = $"{final}.{Guid.NewGuid():N}.partial";
        Directory.CreateDirectory(Path);
    }

    /// <summary>Where to write.</summary>
    public string Path { get; }

    /// <summary>Puts the folder in its place; what was there before is deleted.</summary>
    public void Complete()
    {
        Flush();
        var old = Path + ".old";
        if (Directory.Exists(_final))
            Directory.Move(_final, old);
        Directory.Move(Path, _final);
        _done = true;
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>Puts the folder in its place unless another process was first; then that one's is left there.</summary>
    public void CompleteUnlessThere()
    {
        Flush();
        try
        {
            Directory.Move(Path, _final);
            _done = true;
        }
        catch (IOException) when (Directory.Exists(_final))
        {
            // Both were made of the same content under the same key, so either will do.
        }
    }

    public void Dispose()
    {
        if (!_done && Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }

    private void DeleteAbandoned()
    {
        var parent = new DirectoryInfo(System.IO.Path.GetDirectoryName(_final)!);
        if (!parent.Exists)
            return;
        foreach (var left in parent.EnumerateDirectories($"{System.IO.Path.GetFileName(_final)}.*.partial"))
        {
            if (TimeProvider.System.GetUtcNow() - left.LastWriteTimeUtc > Abandoned)
                left.Delete(recursive: true);
        }
    }

    // A name must not be on the disk before the content is: after a power cut the folder would look complete.
    private void Flush()
    {
        foreach (var file in Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories))
        {
            using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(handle);
        }
    }
}
