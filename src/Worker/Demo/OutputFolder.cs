using VlWorker.Demo.Gallery;

namespace VlWorker.Demo;

/// <summary>The folder that the demo writes to. It replaces what an earlier demo wrote there, and nothing else.</summary>
internal sealed class OutputFolder : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _results;

    private OutputFolder(string folder)
    {
        Folder = folder;
        ResultsPath = Path.Combine(folder, "results.jsonl");
        PagePath = Path.Combine(folder, "index.html");
        Refuse(ResultsPath, IsOurResults);
        Refuse(PagePath, GalleryPage.IsOurs);
        _results = new FileStream(ResultsPath, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        File.Delete(PagePath);
    }

    /// <summary>Full path of the folder.</summary>
    public string Folder { get; }

    /// <summary>Full path of results.jsonl.</summary>
    public string ResultsPath { get; }

    /// <summary>Full path of index.html.</summary>
    public string PagePath { get; }

    /// <summary>Creates the folder if need be, and removes what an earlier demo left.</summary>
    /// <exception cref="DemoException">It can't be written to, or holds files of somebody else.</exception>
    public static OutputFolder Open(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new OutputFolder(folder);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new DemoException($"can't write to the output folder '{folder}': {error.Message}", error);
        }
    }

    /// <summary>Adds a line to results.jsonl: a message as it was published.</summary>
    public void Append(ReadOnlySpan<byte> json)
    {
        byte[] line = [.. json, (byte)'\n'];
        lock (_gate)
            _results.Write(line);
    }

    /// <summary>Writes index.html, which is replaced as a whole.</summary>
    public void WritePage(Action<Stream> write)
    {
        var partial = PagePath + ".partial";
        try
        {
            using (var file = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
                write(file);
            File.Move(partial, PagePath, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    /// <summary>Finishes results.jsonl.</summary>
    public void Dispose() => _results.Dispose();

    private static void Refuse(string path, Func<string, bool> isOurs)
    {
        if (Directory.Exists(path))
            throw new DemoException($"'{path}' is a folder: choose another folder with --out");
        if (File.Exists(path) && new FileInfo(path).Length > 0 && !isOurs(path))
            throw new DemoException($"'{path}' was not written by this demo and would be overwritten: choose another folder with --out");
    }

    private static bool IsOurResults(string path)
    {
        using var reader = new StreamReader(path);
        var head = new char[6];
        return reader.ReadBlock(head) == head.Length && head.AsSpan().SequenceEqual("{\"id\":");
    }
}
