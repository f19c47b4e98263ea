using VlWorker.Journal;

namespace VlWorker.Worker.Tests.Journal;

/// <summary>A journal that can't be written fails nothing, says so once, and comes back.</summary>
public sealed class JournalFailureTests : IDisposable
{
    private readonly TestJournals _journals = new();

    [Fact]
    public void On_a_full_disk_work_goes_on_and_the_journal_comes_back_with_what_is_in_work_then()
    {
        FillDisk();
        var journal = _journals.Start();
        Assert.False(journal.IsWritten);
        var mark = new WorkMark(journal, 1, "m1", returns: true);
        mark.Begin(WorkStage.Decoding);
        new WorkMark(journal, 2, "m2", returns: true).Begin(WorkStage.Decoding);
        Assert.Single(_journals.Lines, line => line.Contains("work goes on without it", StringComparison.Ordinal));

        MakeRoom();
        _journals.Time.Advance(TimeSpan.FromMinutes(1));
        mark.End();
        mark.Begin(WorkStage.Inference);

        Assert.True(journal.IsWritten);
        Assert.Single(_journals.Lines, line => line.Contains("written again", StringComparison.Ordinal));
        var next = _journals.DieAndStart(journal);
        Assert.Equal((0, 0), (next.DeathsOf(1, true), next.DeathsOf(2, true)));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_no_reason_to_fail()
    {
        File.WriteAllBytes(Path.Combine(_journals.Folder, "file"), []);

        var journal = _journals.Start(folder: Path.Combine(_journals.Folder, "file", "below"));
        new WorkMark(journal, 1, "m1", returns: true).Begin(WorkStage.Decoding);

        Assert.Equal((true, false), (journal.IsOn, journal.IsWritten));
    }

    [Fact]
    public void A_folder_that_is_a_file_is_found_at_start_up()
    {
        var file = Path.Combine(_journals.Folder, "file");
        File.WriteAllBytes(file, []);

        Assert.Equal([$"Folder: {file} is a file"], new JournalOptions { Folder = file }.Check());
        Assert.Empty(new JournalOptions { Folder = file, Deaths = 0 }.Check());
        Assert.Empty(new JournalOptions { Folder = _journals.Folder }.Check());
    }

    public void Dispose() => _journals.Dispose();

    /// <summary>Whatever file a process takes, no byte finds room in it. Others' tests may hold the device's lock, so all names lead there.</summary>
    private void FillDisk()
    {
        for (var i = 0; i < 256; i++)
            File.CreateSymbolicLink(_journals.File(i), "/dev/full");
    }

    private void MakeRoom()
    {
        foreach (var file in Directory.GetFiles(_journals.Folder))
            File.Delete(file);
    }
}
