using System.Text.Json;

namespace VlWorker.ModelKit.Downloads;

/// <summary>
/// The folder beside the final one in which a model is put together. It remembers what it is for: a run goes on with what another one
/// left, but never with parts of another commit. One run uses it at a time.
/// </summary>
internal sealed class StagingFolder : IDisposable
{
    private const string StateName = RepositoryPath.OwnPrefix + "pull";

    private readonly FileStream _state;

    private StagingFolder(string path, FileStream state)
    {
        FolderPath = path;
        _state = state;
    }

    /// <summary>Its full path.</summary>
    public string FolderPath { get; }

    /// <summary>Opens or makes the folder.</summary>
    /// <param name="final">The model's folder.</param>
    /// <param name="source">What is fetched: server, repository and commit.</param>
    /// <exception cref="PullException">It is in use, is somebody else's, or can't be made.</exception>
    public static StagingFolder Open(string final, string source)
    {
        var path = final + ".part";
        var statePath = Path.Combine(path, StateName);
        try
        {
            if (Directory.Exists(path) && !File.Exists(statePath) && Directory.EnumerateFileSystemEntries(path).Any())
                throw new PullException($"{path} is needed for the download, but holds something else");
            Directory.CreateDirectory(path);
            var state = new FileStream(statePath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            var staging = new StagingFolder(path, state);
            staging.Claim(source);
            return staging;
        }
        catch (IOException error) when (File.Exists(statePath))
        {
            throw new PullException($"{path} is in use by another download", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PullException($"{path} can't be made: {error.Message}", error);
        }
    }

    /// <summary>A file in it.</summary>
    public string PathOf(RepositoryFile file) => Path.Combine(FolderPath, file.Path);

    /// <summary>Removes what is not part of the model, and gives the folder its final name.</summary>
    /// <exception cref="PullException">It can't be moved.</exception>
    public void Finish(string final, IReadOnlyList<RepositoryFile> files)
    {
        var wanted = files.Select(PathOf).ToHashSet(StringComparer.Ordinal);
        try
        {
            _state.Dispose();
            foreach (var path in Directory.GetFiles(FolderPath, "*", SearchOption.AllDirectories).Where(path => !wanted.Contains(path)))
                File.Delete(path);
            if (Directory.Exists(final))
                Directory.Delete(final);
            Directory.Move(FolderPath, final);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PullException($"{FolderPath} is complete, but can't be moved to {final}: {error.Message}", error);
        }
    }

    public void Dispose() => _state.Dispose();

    /// <summary>Empties the folder if it was begun for something else.</summary>
    private void Claim(string source)
    {
        using var reader = new StreamReader(_state, leaveOpen: true);
        var text = JsonSerializer.Serialize(source);
        if (reader.ReadToEnd() == text)
            return;
        foreach (var entry in new DirectoryInfo(FolderPath).EnumerateFileSystemInfos().Where(static entry => entry.Name != StateName).ToList())
        {
            if (entry is DirectoryInfo folder)
                folder.Delete(recursive: true);
            else
                entry.Delete();
        }

        _state.SetLength(0);
        using var writer = new StreamWriter(_state, leaveOpen: true);
        writer.Write(text);
    }
}
