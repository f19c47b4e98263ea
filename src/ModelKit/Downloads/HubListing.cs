using System.Text.Json;
using System.Text.RegularExpressions;

namespace VlWorker.ModelKit.Downloads;

/// <summary>What a repository holds: the commit behind a revision, then its files with sizes and digests.</summary>
internal sealed partial class HubListing(HubClient client, PullOptions options, TimeProvider time)
{
    private const int MostFiles = 20_000;
    private const int MostPages = 1000;
    private const int MostBytes = 32 << 20;

    /// <summary>Asks for the commit, so that all files come from the same one, whatever is pushed meanwhile.</summary>
    /// <exception cref="PullException">There is no such repository or revision, or the answer is not what the Hub would give.</exception>
    public async Task<string> FindCommitAsync(CancellationToken cancellation)
    {
        var uri = new Uri(client.Endpoint, $"api/models/{options.Repository}/revision/{Uri.EscapeDataString(options.Revision)}");
        var (body, _) = await GetAsync(uri, cancellation).ConfigureAwait(false);
        using (body)
        {
            var commit = body.RootElement.ValueKind == JsonValueKind.Object ? Text(body.RootElement, "sha") : null;
            return commit is not null && Commit().IsMatch(commit) ? commit : throw Strange("names no commit");
        }
    }

    /// <summary>Lists the files of a commit.</summary>
    /// <exception cref="PullException">The listing is malformed, or names a path that leads out of a folder.</exception>
    public async Task<IReadOnlyList<RepositoryFile>> ListAsync(string commit, CancellationToken cancellation)
    {
        var files = new Dictionary<string, RepositoryFile>(StringComparer.OrdinalIgnoreCase);
        var seen = new HashSet<Uri>();
        for (Uri? page = new(client.Endpoint, $"api/models/{options.Repository}/tree/{commit}?recursive=true"); page is not null;)
        {
            if (!seen.Add(page) || seen.Count > MostPages)
                throw Strange("lists its files without end");
            var (body, next) = await GetAsync(page, cancellation).ConfigureAwait(false);
            using (body)
                Add(body.RootElement, files);
            page = next;
        }

        return [.. files.Values];
    }

    private static string? Text(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Size(JsonElement entry) =>
        entry.TryGetProperty("size", out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var size) && size >= 0
            ? size
            : null;

    private void Add(JsonElement page, Dictionary<string, RepositoryFile> files)
    {
        if (page.ValueKind != JsonValueKind.Array)
            throw Strange("lists its files in another form");
        foreach (var entry in page.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object || Text(entry, "path") is not { } path || Text(entry, "type") is not { } type)
                throw Strange("lists its files in another form");
            if (!RepositoryPath.IsSafe(path))
                throw Strange($"lists {JsonSerializer.Serialize(path)}, which is no path below a folder");
            if (type == "file" && !files.TryAdd(path, Describe(entry, path)))
                throw Strange($"lists {path} twice");
            if (files.Count > MostFiles)
                throw Strange($"lists more than {MostFiles} files");
        }
    }

    private RepositoryFile Describe(JsonElement entry, string path)
    {
        var large = entry.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object;
        var sha256 = large ? Text(lfs, "oid")?.Replace("sha256:", "", StringComparison.Ordinal) ?? "" : null;
        if (sha256 is not null && !Digest().IsMatch(sha256))
            throw Strange($"lists {path} without its sha256");
        var size = (large ? Size(lfs) : null) ?? Size(entry) ?? throw Strange($"lists {path} without its size");
        return new RepositoryFile(path, size, sha256, sha256 is null && Text(entry, "oid") is { } oid && Blob().IsMatch(oid) ? oid : null);
    }

    private async Task<(JsonDocument Body, Uri? Next)> GetAsync(Uri uri, CancellationToken cancellation)
    {
        var pause = new RetryPause(options, time);
        while (true)
        {
            try
            {
                return await TryGetAsync(uri, cancellation).ConfigureAwait(false);
            }
            catch (AttemptException error)
            {
                await pause.WaitAsync($"the listing of {options.Repository}", error, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task<(JsonDocument Body, Uri? Next)> TryGetAsync(Uri uri, CancellationToken cancellation)
    {
        using var guard = new StallGuard(options.StallTimeout, time, cancellation);
        try
        {
            using var response = await client.GetAsync(uri, 0, null, guard).ConfigureAwait(false);
            var body = await ReadAsync(response, guard).ConfigureAwait(false);
            return (JsonDocument.Parse(body), NextPage(uri, response));
        }
        catch (JsonException error)
        {
            throw new AttemptException($"{uri.Host} answers with something that is no JSON", null, error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new AttemptException($"the connection to {uri.Host} broke: {error.Message}", null, error);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new AttemptException($"{uri.Host} did not answer within {options.StallTimeout.TotalSeconds} s", null, error);
        }
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, StallGuard guard)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(guard.Token).ConfigureAwait(false);
        using var body = new MemoryStream();
        var chunk = new byte[1 << 14];
        for (int read; (read = await stream.ReadAsync(chunk, guard.Token).ConfigureAwait(false)) > 0;)
        {
            guard.Progress();
            body.Write(chunk, 0, read);
            if (body.Length > MostBytes)
                throw Strange($"answers with more than {MostBytes} bytes");
        }

        return body.ToArray();
    }

    /// <summary>The Link header's address of the next page, which must be on the same server.</summary>
    private Uri? NextPage(Uri uri, HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out var links)
            || links.Select(static link => NextLink().Match(link)).FirstOrDefault(static match => match.Success) is not { } next)
            return null;
        if (!Uri.TryCreate(uri, next.Groups[1].Value, out var page)
            || page.GetLeftPart(UriPartial.Authority) != client.Endpoint.GetLeftPart(UriPartial.Authority))
            throw Strange("continues its list on another server");
        return page;
    }

    private PullException Strange(string what) => new($"{client.Endpoint.Host} {what}");

    [GeneratedRegex(@"\A[0-9a-f]{40}([0-9a-f]{24})?\z")]
    private static partial Regex Commit();

    [GeneratedRegex(@"\A[0-9a-f]{64}\z")]
    private static partial Regex Digest();

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    private static partial Regex Blob();

    [GeneratedRegex("<([^<>]+)>[^<>,]*;\\s*rel=\"?next\"?")]
    private static partial Regex NextLink();
}
