namespace VlWorker.Journal;

/// <summary>The folder of the journals: 0.journal, 1.journal, ..., as many as processes ever ran on it at the same time.</summary>
internal sealed class JournalFolder(string path)
{
    /// <summary>Processes that share a folder at most.</summary>
    private const int MostFiles = 256;

    private string? _own;

    /// <summary>This start of this machine; no two are alike.</summary>
    public static Guid Boot { get; } = ReadBoot();

    /// <summary>Takes the first file that no living process has.</summary>
    /// <exception cref="IOException">There is none, or the folder can't be used.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be used.</exception>
    public JournalFile TakeFile()
    {
        Directory.CreateDirectory(path);
        for (var i = 0; i < MostFiles; i++)
        {
            _own = Path.Combine(path, $"{i}.journal");
            if (JournalFile.TryOpen(_own) is { } file)
                return file;
        }

        throw new IOException($"{MostFiles} workers share it already");
    }

    /// <summary>The other files that no living process has. The caller disposes of each.</summary>
    public IEnumerable<JournalFile> TakeDead() =>
        Directory.EnumerateFiles(path, "*.journal").Where(file => file != _own).Select(JournalFile.TryOpen).OfType<JournalFile>();

    private static Guid ReadBoot()
    {
        const string file = "/proc/sys/kernel/random/boot_id";
        return File.Exists(file) && Guid.TryParse(File.ReadAllText(file), out var boot) ? boot : Guid.Empty;
    }
}
