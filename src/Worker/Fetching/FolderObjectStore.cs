using System.Globalization;
using Microsoft.Win32.SafeHandles;
using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Fetching;

/// <summary>Files below a folder, for the embedded default: a bucket is a sub-folder (or the root itself), a key the path below it.</summary>
/// <remarks>
/// Nothing outside the root can be read: a key is a plain relative path, and links are not followed wherever they stand.
/// The entity tag is made of length and time of last change. Versions don't exist.
/// </remarks>
/// <param name="store">Checked options of kind Folder.</param>
/// <param name="options">Checked limits.</param>
/// <param name="budget">Memory of fetched objects; may be shared.</param>
/// <param name="time">The clock.</param>
internal sealed class FolderObjectStore(StoreOptions store, FetchingOptions options, MemoryBudget budget, TimeProvider time) : IObjectStore
{
    private const int ReadsPerObject = 2;

    private readonly IReadOnlySet<string> _allowed = store.Allowed();
    private readonly FolderFiles _files = new(Path.GetFullPath(store.Folder!), store.FolderBucket);
    private readonly BodyReader _bodies = new(options, budget, time);

    /// <inheritdoc/>
    public async Task<FetchedObject> FetchAsync(ImageReference image, CancellationToken cancellation)
    {
        var (bucket, key, etag) = ReferenceRules.Check(image, _allowed);
        if (!string.IsNullOrEmpty(image.VersionId))
            throw new RejectedException(RejectionReason.NotFound, "a folder keeps no versions of its files: leave image.versionId out");
        await Task.Yield();
        for (var read = 1; ; read++)
        {
            try
            {
                if (await ReadAsync(bucket, key, etag, cancellation).ConfigureAwait(false) is { } fetched)
                    return fetched;
            }
            catch (UnauthorizedAccessException error)
            {
                throw new RejectedException(RejectionReason.AccessDenied, "the file may not be read", error);
            }
            catch (IOException error)
            {
                throw new DependencyException(Dependency.Store, $"the store's folder fails: {error.Message}", error);
            }

            if (read == ReadsPerObject)
                throw new TransientException("the file changed while it was read");
        }
    }

    /// <inheritdoc/>
    public Task ProbeAsync(CancellationToken cancellation) => Task.Run(_files.Probe, cancellation);

    /// <returns>Null if the file changed meanwhile.</returns>
    private async Task<FetchedObject?> ReadAsync(string bucket, string key, string? etag, CancellationToken cancellation)
    {
        await using var file = new ReadInPlace(_files.Open(bucket, key));
        var found = Etag(file);
        if (etag is not null and not "*" && etag != found)
            throw new RejectedException(RejectionReason.PreconditionFailed, "the file is no longer the one that the entity tag was made of");
        using var watchdog = new Watchdog(time, cancellation);
        FetchedObject fetched;
        try
        {
            fetched = await _bodies.ReadAsync(file, file.Length, found, versionId: null, watchdog).ConfigureAwait(false);
        }
        catch (EndOfStreamException)
        {
            return null;
        }

        if (Etag(file) == found)
            return fetched;
        fetched.Dispose();
        return null;
    }

    /// <summary>Reads on the caller's thread: a disk is not waited for with a time-out, since a read from it can't be abandoned.</summary>
    private sealed class ReadInPlace(SafeFileHandle handle) : FileStream(handle, FileAccess.Read, bufferSize: 0)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return ValueTask.FromResult(Read(buffer.Span));
        }
    }

    private static string Etag(FileStream file) => string.Create(
        CultureInfo.InvariantCulture, $"{RandomAccess.GetLength(file.SafeFileHandle):x}-{File.GetLastWriteTimeUtc(file.SafeFileHandle).Ticks:x}");
}
