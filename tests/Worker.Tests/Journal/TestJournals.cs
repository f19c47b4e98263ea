using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using VlWorker.Integration.Infrastructure;
using VlWorker.Journal;

namespace VlWorker.Worker.Tests.Journal;

/// <summary>Crash journals in a folder of a test's own, whose processes can die.</summary>
internal sealed class TestJournals : ILogger<CrashJournal>, IDisposable
{
    private readonly List<CrashJournal> _open = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("vlworker-journal-").FullName;

    public FakeTimeProvider Time { get; } = new();

    /// <summary>Lines logged.</summary>
    public List<string> Lines { get; } = [];

    public string File(int number) => Path.Combine(Folder, $"{number}.journal");

    /// <summary>A process starts.</summary>
    public CrashJournal Start(int deaths = 2, string? folder = null)
    {
        var journal = new CrashJournal(new JournalOptions { Folder = folder ?? Folder, Deaths = deaths }, Time, this);
        journal.Open();
        _open.Add(journal);
        return journal;
    }

    /// <summary>What the process wrote, as another one would find it.</summary>
    public byte[] Read(int number = 0) => UnlockedFile.Read(File(number));

    /// <summary>A process dies, whatever it had in work: its file stays as it is at this moment, and its lock goes.</summary>
    public void Die(CrashJournal journal, int number = 0)
    {
        var left = Read(number);
        journal.Dispose();
        System.IO.File.WriteAllBytes(File(number), left);
    }

    /// <summary>A process dies with these in work, and the next one starts.</summary>
    public CrashJournal DieAndStart(CrashJournal journal, params UInt128[] work)
    {
        foreach (var fingerprint in work)
            new WorkMark(journal, fingerprint, $"m{fingerprint}", returns: true, deaths: journal.DeathsOf(fingerprint, false) ?? 0).Begin(WorkStage.Decoding);
        Die(journal);
        return Start();
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Add(formatter(state, exception));

    public void Dispose()
    {
        _open.ForEach(journal => journal.Dispose());
        Directory.Delete(Folder, recursive: true);
    }
}
