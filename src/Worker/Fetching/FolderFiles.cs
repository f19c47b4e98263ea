using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Fetching;

/// <summary>From bucket and key to an open regular file below the root, or to whose fault it is that there is none.</summary>
/// <param name="root">The root folder.</param>
/// <param name="rootBucket">The bucket that is the root itself; every other one is a sub-folder.</param>
internal sealed class FolderFiles(string root, string? rootBucket)
{
    private const int NotPermitted = 1, NoEntry = 2, NoDevice = 6, NoAccess = 13, NotDirectory = 20, NoSuchDevice = 19;

    /// <summary>Opens a file; the caller owns the handle.</summary>
    /// <exception cref="RejectedException">The key names no readable regular file below the bucket's folder.</exception>
    /// <exception cref="DependencyException">The root or its disk is not usable.</exception>
    public SafeFileHandle Open(string bucket, string key)
    {
        var inRoot = bucket == rootBucket;
        string[] components = inRoot ? key.Split('/') : [bucket, .. key.Split('/')];
        if (Array.Exists(components, IsUnsafe))
            throw new RejectedException(RejectionReason.BadRequest, "image.key is not a plain relative path: a component is empty, a dot, two dots or not a file's name");
        var handle = OperatingSystem.IsWindows() ? OpenWindows(components, inRoot) : OpenUnix(components, inRoot);
        try
        {
            if ((File.GetAttributes(handle) & FileAttributes.Directory) != 0)
                throw NotRegular();
            RandomAccess.GetLength(handle);
            return handle;
        }
        catch (NotSupportedException)
        {
            handle.Dispose();
            throw NotRegular();
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Returns when the root can be opened.</summary>
    /// <exception cref="DependencyException">It can't.</exception>
    public void Probe()
    {
        try
        {
            using var entries = Directory.EnumerateFileSystemEntries(root).GetEnumerator();
            entries.MoveNext();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DependencyException(Dependency.Store, $"the store's root folder can't be read: {error.Message}", error);
        }
    }

    private static bool IsUnsafe(string component)
    {
        if (component is "" or "." or "..")
            return true;
        if (!OperatingSystem.IsWindows())
            return false;

        // Drives and streams, separators, wildcards; trailing dots and blanks are dropped by the system; CON, NUL and the like are devices.
        var stem = component.Split('.')[0].TrimEnd().ToUpperInvariant();
        return component.AsSpan().IndexOfAny(Path.GetInvalidFileNameChars()) >= 0 || component[^1] is '.' or ' '
            || stem is "CON" or "PRN" or "AUX" or "NUL" or "CONIN$" or "CONOUT$" || stem is ['C', 'O', 'M', _] or ['L', 'P', 'T', _];
    }

    [UnsupportedOSPlatform("windows")]
    private SafeFileHandle OpenUnix(string[] components, bool inRoot)
    {
        try
        {
            return UnixFiles.OpenBelow(root, components);
        }
        catch (UnixException error) when (error.Component < 0)
        {
            throw new DependencyException(Dependency.Store, $"the store's root folder can't be opened: {error.Message}", error);
        }
        catch (UnixException error)
        {
            throw Judge(error, error.Component == 0 && !inRoot);
        }
    }

    private static Exception Judge(UnixException error, bool isBucket) => error.Errno switch
    {
        NoEntry when isBucket => new RejectedException(RejectionReason.BucketNotFound, "the bucket's folder does not exist", error),
        NoEntry or NotDirectory => new RejectedException(RejectionReason.NotFound, "there is no such file, or a link is in its place", error),
        NoDevice or NoSuchDevice => NotRegular(),
        var number when number == NameTooLong => new RejectedException(RejectionReason.NotFound, "there is no such file: the name is too long", error),
        NoAccess or NotPermitted => new RejectedException(RejectionReason.AccessDenied, "the file may not be read", error),
        var number when number == TooManyLinks => new RejectedException(RejectionReason.AccessDenied, "links are not followed", error),
        _ => new DependencyException(Dependency.Store, $"the store's folder fails: {error.Message}", error),
    };

    private SafeFileHandle OpenWindows(string[] components, bool inRoot)
    {
        if (!Directory.Exists(root))
            throw new DependencyException(Dependency.Store, "the store's root folder does not exist");
        var path = root;
        for (var i = 0; i < components.Length; i++)
        {
            path = Path.Join(path, components[i]);
            if (!Path.Exists(path))
                throw i == 0 && !inRoot && !Directory.Exists(path)
                    ? new RejectedException(RejectionReason.BucketNotFound, "the bucket's folder does not exist")
                    : new RejectedException(RejectionReason.NotFound, "there is no such file");
            if ((File.GetAttributes(path) & FileAttributes.ReparsePoint) != 0)
                throw new RejectedException(RejectionReason.AccessDenied, "links are not followed");
        }

        try
        {
            return File.OpenHandle(path, FileMode.Open);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new RejectedException(RejectionReason.AccessDenied, "the file may not be read", error);
        }
    }

    private static int NameTooLong => OperatingSystem.IsMacOS() ? 63 : 36;

    private static int TooManyLinks => OperatingSystem.IsMacOS() ? 62 : 40;

    private static RejectedException NotRegular() => new(RejectionReason.NotFound, "what is there is not a regular file");
}
