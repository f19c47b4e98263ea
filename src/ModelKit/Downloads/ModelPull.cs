namespace VlWorker.ModelKit.Downloads;

/// <summary>Fetches a model's files from the Hugging Face Hub, or from a server that answers like it.</summary>
internal sealed class ModelPull(PullOptions options, TimeProvider time, IProgress<PullProgress>? progress = null)
{
    /// <summary>
    /// Fetches the files of one commit. The folder is there in full or not at all; what an earlier run fetched is not fetched again.
    /// </summary>
    /// <exception cref="PullException">It can't be done; says why.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the next run goes on from there.</exception>
    public async Task<PullResult> RunAsync(CancellationToken cancellation)
    {
        CheckOptions();
        var final = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Folder));
        using var client = new HubClient(options, time);
        var listing = new HubListing(client, options, time);
        var commit = await listing.FindCommitAsync(cancellation).ConfigureAwait(false);
        var files = FileChoice.Choose(await listing.ListAsync(commit, cancellation).ConfigureAwait(false), options);
        if (Directory.Exists(final) && Directory.EnumerateFileSystemEntries(final).Any())
        {
            await CheckExistingAsync(final, files, cancellation).ConfigureAwait(false);
            return new PullResult(commit, files, AlreadyThere: true);
        }

        using var staging = StagingFolder.Open(final, $"{client.Endpoint} {options.Repository} {commit}");
        CheckRoom(staging, files);
        foreach (var file in files)
        {
            var uri = new Uri(client.Endpoint, $"{options.Repository}/resolve/{commit}/{RepositoryPath.Escape(file.Path)}");
            await FetchAsync(new FileDownload(client, options, time, progress), file, uri, staging.PathOf(file), cancellation).ConfigureAwait(false);
        }

        staging.Finish(final, files);
        return new PullResult(commit, files, AlreadyThere: false);
    }

    private static async Task FetchAsync(FileDownload download, RepositoryFile file, Uri uri, string path, CancellationToken cancellation)
    {
        // An earlier run's file counts only if it is still what it must be: the disk may have lost power meanwhile.
        if (File.Exists(path) && await FileCheck.FindFaultAsync(path, file, cancellation).ConfigureAwait(false) is not null)
            File.Delete(path);
        await download.RunAsync(file, uri, new PartialFile(path), cancellation).ConfigureAwait(false);
    }

    private static async Task CheckExistingAsync(string folder, IReadOnlyList<RepositoryFile> files, CancellationToken cancellation)
    {
        foreach (var file in files)
        {
            var path = Path.Combine(folder, file.Path);
            var fault = File.Exists(path) ? await FileCheck.FindFaultAsync(path, file, cancellation).ConfigureAwait(false) : "it is missing";
            if (fault is not null)
                throw new PullException($"{folder} exists and is not this model ({file.Path}: {fault}): remove it, or choose another folder");
        }
    }

    private static void CheckRoom(StagingFolder staging, IReadOnlyList<RepositoryFile> files)
    {
        var free = new DriveInfo(staging.FolderPath).AvailableFreeSpace;
        var missing = files.Where(file => !File.Exists(staging.PathOf(file))).Sum(file => file.Size - new PartialFile(staging.PathOf(file)).Length);
        if (missing > free)
            throw new PullException($"{missing} bytes are to be fetched, but {staging.FolderPath} has room for {free}");
    }

    private void CheckOptions()
    {
        if (!RepositoryPath.IsRepository(options.Repository))
            throw new PullException($"'{options.Repository}' is no repository: OWNER/NAME, or a name alone");
        if (!RepositoryPath.IsRevision(options.Revision))
            throw new PullException($"'{options.Revision}' is no branch, tag or commit");
        if (!options.Endpoint.IsAbsoluteUri || options.Endpoint.Scheme is not ("http" or "https") || options.Endpoint.UserInfo.Length > 0)
            throw new PullException("the endpoint is no address of http or https without a user");
    }
}
