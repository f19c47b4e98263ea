using System.Net.Http.Headers;

namespace VlWorker.ModelKit.Downloads;

/// <summary>A file that is being fetched: its beginning is under another name, with the ETag that it had.</summary>
internal sealed class PartialFile(string path)
{
    private readonly string _part = Path.Combine(Path.GetDirectoryName(path)!, $"{RepositoryPath.OwnPrefix}part-{Path.GetFileName(path)}");

    private string TagFile => _part + ".etag";

    /// <summary>Whether the file is there under its own name.</summary>
    public bool IsComplete => File.Exists(path);

    /// <summary>Bytes that are there.</summary>
    public long Length => new FileInfo(_part) is { Exists: true } file ? file.Length : 0;

    /// <summary>The strong ETag that the server gave with them; null if it gave none.</summary>
    public string? ETag
    {
        get => File.Exists(TagFile) && EntityTagHeaderValue.TryParse(File.ReadAllText(TagFile), out var tag) ? tag.Tag : null;
        set => Disk(() =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Delete(TagFile);
            if (value is not null)
                File.WriteAllText(TagFile, value);
        });
    }

    /// <summary>Opens it for writing at its end; the caller closes it.</summary>
    public FileStream Append()
    {
        FileStream? stream = null;
        Disk(() =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            stream = new FileStream(_part, FileMode.Append, FileAccess.Write, FileShare.Read, 0, FileOptions.Asynchronous);
        });
        return stream!;
    }

    /// <summary>Writes; a full disk is not the server's fault.</summary>
    /// <exception cref="PullException">It can't be written.</exception>
    public static async Task WriteAsync(FileStream stream, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        try
        {
            await stream.WriteAsync(bytes, cancellation).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw new PullException($"{stream.Name} can't be written: {error.Message}", error);
        }
    }

    /// <summary>Compares what is there with what it must be.</summary>
    public async Task<string?> FindFaultAsync(RepositoryFile file, CancellationToken cancellation)
    {
        if (Length == 0)
            await Append().DisposeAsync().ConfigureAwait(false);
        return await FileCheck.FindFaultAsync(_part, file, cancellation).ConfigureAwait(false);
    }

    /// <summary>Forgets what is there.</summary>
    public void Discard()
    {
        if (Directory.Exists(Path.GetDirectoryName(path)))
        {
            File.Delete(_part);
            File.Delete(TagFile);
        }
    }

    /// <summary>Gives it its own name, once it is on the disk.</summary>
    public void Complete() => Disk(() =>
    {
        using (var handle = File.OpenHandle(_part, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(handle);
        File.Move(_part, path, overwrite: true);
        File.Delete(TagFile);
    });

    private static void Disk(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PullException($"the disk refuses: {error.Message}", error);
        }
    }
}
