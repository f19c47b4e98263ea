using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VlWorker.Producer.Results;

/// <summary>Writes files so that they are there, whole, after a power failure.</summary>
internal static partial class DurableFile
{
    /// <summary>Ends the names of files that are not whole yet.</summary>
    public const string Unfinished = ".tmp";

    /// <summary>Runs something that writes, and says in plain words why it can't.</summary>
    /// <exception cref="ProducerException">The disk is full, or there is no permission.</exception>
    public static T Guard<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ProducerException(
                ExitCode.JobFile, $"can't write {path}: {error.Message}. What was not written is still at the broker", error);
        }
    }

    /// <summary>Writes a file under another name first, and names it when it is on the disk; one of that name is replaced.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content) => Write(path, content, overwrite: true);

    /// <summary>Writes a file as <see cref="Write(string, ReadOnlySpan{byte})"/> does, but never in the place of another.</summary>
    /// <exception cref="IOException">There is a file of that name.</exception>
    public static void WriteNew(string path, ReadOnlySpan<byte> content) => Write(path, content, overwrite: false);

    private static void Write(string path, ReadOnlySpan<byte> content, bool overwrite)
    {
        var unfinished = path + Unfinished;
        using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path, overwrite);
        SyncFolderOf(path);
    }

    /// <summary>Makes a new file's name durable: it is in the folder, and the folder is a file of its own.</summary>
    public static void SyncFolderOf(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        using var handle = new SafeFileHandle(Open(Path.GetDirectoryName(Path.GetFullPath(path))!, 0), ownsHandle: true);
        if (!handle.IsInvalid)
            RandomAccess.FlushToDisk(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);
}
