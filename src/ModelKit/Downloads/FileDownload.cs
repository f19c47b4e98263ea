using System.Globalization;
using System.Net;

namespace VlWorker.ModelKit.Downloads;

/// <summary>
/// Fetches one file into a folder: first under another name, which it goes on with after a failure and in the next run, then, when size and
/// digest are right, under its own.
/// </summary>
internal sealed class FileDownload(HubClient client, PullOptions options, TimeProvider time, IProgress<PullProgress>? progress)
{
    /// <summary>Bytes that count as progress: a server that gives a few at a time must not be asked for ever.</summary>
    private const int Gain = 1 << 20;

    /// <summary>Times that a server may give something else than it lists.</summary>
    private const int MostLies = 2;

    private const int ChunkBytes = 1 << 17;

    /// <summary>Fetches a file.</summary>
    /// <param name="file">What it must be.</param>
    /// <param name="uri">Where it is.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="cancellation">Stops; what is there already is kept.</param>
    /// <exception cref="PullException">The server refuses, lies or fails for too long, or the file can't be written.</exception>
    public async Task RunAsync(RepositoryFile file, Uri uri, PartialFile target, CancellationToken cancellation)
    {
        var pause = new RetryPause(options, time);
        var lies = 0;
        while (!target.IsComplete)
        {
            var before = target.Length;
            try
            {
                await FetchAsync(file, uri, target, cancellation).ConfigureAwait(false);
                if (await target.FindFaultAsync(file, cancellation).ConfigureAwait(false) is { } fault)
                    throw new LieException(fault);
                target.Complete();
                progress?.Report(new PullProgress(file.Path, file.Size, file.Size));
            }
            catch (LieException error)
            {
                target.Discard();
                if (++lies >= MostLies)
                    throw new PullException($"{file.Path}: {error.Message}: {uri.Host} gives something else than it lists", error);
                await WaitAsync(file, target, pause, new AttemptException(error.Message), cancellation).ConfigureAwait(false);
            }
            catch (AttemptException error)
            {
                if (target.Length - before >= Gain)
                    pause.Progress();
                await WaitAsync(file, target, pause, error, cancellation).ConfigureAwait(false);
            }
        }
    }

    private Task WaitAsync(RepositoryFile file, PartialFile target, RetryPause pause, AttemptException error, CancellationToken cancellation)
    {
        progress?.Report(new PullProgress(file.Path, target.Length, file.Size, error.Message));
        return pause.WaitAsync(file.Path, error, cancellation);
    }

    private async Task FetchAsync(RepositoryFile file, Uri uri, PartialFile target, CancellationToken cancellation)
    {
        if (target.Length > file.Size)
            target.Discard();
        if (target.Length == file.Size && file.Size > 0)
            return;
        using var guard = new StallGuard(options.StallTimeout, time, cancellation);
        try
        {
            using var response = await client.GetAsync(uri, target.Length, target.ETag, guard).ConfigureAwait(false);
            CheckPlace(file, target, response);
            await using var body = await response.Content.ReadAsStreamAsync(guard.Token).ConfigureAwait(false);
            await CopyAsync(file, body, target, guard).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new AttemptException($"the connection broke: {error.Message}", null, error);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new AttemptException($"nothing came for {options.StallTimeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s", null, error);
        }
    }

    /// <summary>Whether the answer goes on where the file ends, or begins anew.</summary>
    private static void CheckPlace(RepositoryFile file, PartialFile target, HttpResponseMessage response)
    {
        if (response.StatusCode == HttpStatusCode.PartialContent)
        {
            if (response.Content.Headers.ContentRange is not { From: { } from, Length: var total }
                || from != target.Length || (total ?? file.Size) != file.Size)
                throw new LieException($"the server gives another part than bytes {target.Length} to {file.Size}");
        }
        else if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new LieException($"the server has nothing from byte {target.Length} on");
        }
        else
        {
            target.Discard();
            target.ETag = response.Headers.ETag is { IsWeak: false } tag ? tag.Tag : null;
        }

        if (response.Content.Headers.ContentLength is { } length && target.Length + length != file.Size)
            throw new LieException($"the server gives {target.Length + length} bytes, not {file.Size}");
    }

    private async Task CopyAsync(RepositoryFile file, Stream body, PartialFile target, StallGuard guard)
    {
        var chunk = new byte[ChunkBytes];
        await using var writer = target.Append();
        var length = target.Length;
        for (int read; (read = await body.ReadAsync(chunk, guard.Token).ConfigureAwait(false)) > 0;)
        {
            guard.Progress();
            if ((length += read) > file.Size)
                throw new LieException($"the server gives more than {file.Size} bytes");
            await PartialFile.WriteAsync(writer, chunk.AsMemory(0, read), guard.Token).ConfigureAwait(false);

            // The last part is reported when it has been checked.
            if (length < file.Size)
                progress?.Report(new PullProgress(file.Path, length, file.Size));
        }

        if (length < file.Size)
            throw new AttemptException($"the connection ended after {length} of {file.Size} bytes");
    }

    /// <summary>The server gives something else than it lists.</summary>
    private sealed class LieException(string message) : Exception(message);
}
