using System.Globalization;
using System.Runtime.CompilerServices;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Sources;

/// <summary>The files below a folder in the order of their paths. The key is the path below the folder; the position is the last key.</summary>
/// <param name="folder">The folder.</param>
/// <param name="bucket">The bucket by which workers know it.</param>
internal sealed class FolderSource(string folder, string bucket) : IItemSource
{
    /// <inheritdoc/>
    public async IAsyncEnumerable<SourceEntry> ReadAsync(string? position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (!Directory.Exists(folder))
            throw new ProducerException(ExitCode.Source, $"there is no folder {folder}");
        await Task.CompletedTask;
        foreach (var (key, file) in Walk(new DirectoryInfo(folder), ""))
        {
            cancellation.ThrowIfCancellationRequested();
            if (position is null || string.CompareOrdinal(key, position) > 0)
            {
                var (etag, bytes) = Facts(file);
                yield return SourceEntry.Of(key, new ListedItem(bucket, key, etag, null), bytes);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    // A folder sorts as its name with the slash, so that the walk is in the order of whole paths.
    private static IEnumerable<(string Key, FileInfo File)> Walk(DirectoryInfo folder, string prefix)
    {
        foreach (var entry in Entries(folder).OrderBy(entry => entry is DirectoryInfo ? entry.Name + "/" : entry.Name, StringComparer.Ordinal))
        {
            if (entry is FileInfo file)
                yield return (prefix + file.Name, file);
            else
            {
                foreach (var below in Walk((DirectoryInfo)entry, $"{prefix}{entry.Name}/"))
                    yield return below;
            }
        }
    }

    private static FileSystemInfo[] Entries(DirectoryInfo folder)
    {
        try
        {
            // Workers do not follow links either.
            return folder.GetFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ProducerException(ExitCode.Source, $"the folder {folder.FullName} can't be listed: {error.Message}", error);
        }
    }

    // The tag as the worker's folder store makes it, so that results tell whether a file has changed. A file that is gone by now, or whose name is
    // not UTF-8, is published all the same: a worker says that it is not there.
    private static (string? Etag, long Bytes) Facts(FileInfo file)
    {
        try
        {
            return (string.Create(CultureInfo.InvariantCulture, $"{file.Length:x}-{file.LastWriteTimeUtc.Ticks:x}"), file.Length);
        }
        catch (IOException)
        {
            return (null, 0);
        }
    }
}
