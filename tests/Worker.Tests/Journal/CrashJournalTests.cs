using VlWorker.Journal;

namespace VlWorker.Worker.Tests.Journal;

public sealed class CrashJournalTests : IDisposable
{
    private readonly TestJournals _journals = new();

    [Fact]
    public void What_was_in_work_when_the_process_died_is_suspect_and_nothing_else()
    {
        var first = _journals.Start();
        var (done, decoding, inferring) = (Mark(first, 1), Mark(first, 2), Mark(first, 3));
        done.Begin(WorkStage.Decoding);
        done.End();
        decoding.Begin(WorkStage.Decoding);
        inferring.Begin(WorkStage.Inference);
        _journals.Die(first);

        var second = _journals.Start();

        Assert.Equal((null, 0, 0, 2), (second.DeathsOf(1, true), second.DeathsOf(2, true), second.DeathsOf(3, true), second.Suspects));
        Assert.Contains(_journals.Lines, line => line.Contains("2 messages in work (m2, m3)", StringComparison.Ordinal));
    }

    [Fact]
    public void Only_who_was_alone_is_counted()
    {
        var journal = _journals.DieAndStart(_journals.Start(), 1, 2, 3);
        Assert.Equal(0, journal.DeathsOf(2, true));

        journal = _journals.DieAndStart(journal, 2);
        journal = _journals.DieAndStart(journal, 1);
        journal = _journals.DieAndStart(journal, 2);

        Assert.Equal((1, 2, 0), (journal.DeathsOf(1, true), journal.DeathsOf(2, true), journal.DeathsOf(3, true)));
    }

    [Fact]
    public void What_came_over_HTTP_is_company_and_never_a_suspect()
    {
        var first = _journals.Start();
        Mark(first, 1).Begin(WorkStage.Decoding);
        first.OfNobody("http").Begin(WorkStage.Decoding);
        _journals.Die(first);

        var second = _journals.Start();

        Assert.Equal((0, 1), (second.DeathsOf(1, true), second.Suspects));
    }

    [Fact]
    public void A_process_that_was_told_to_stop_blames_nobody_however_it_ends()
    {
        var first = _journals.DieAndStart(_journals.Start(), 1);
        Mark(first, 2).Begin(WorkStage.Decoding);
        first.Stop();
        Mark(first, 3).Begin(WorkStage.Inference);
        _journals.Die(first);

        var second = _journals.Start();

        // What was known before stays known.
        Assert.Equal((1, null, null), (second.DeathsOf(1, true), second.DeathsOf(2, true), second.DeathsOf(3, true)));
    }

    [Fact]
    public void A_machine_that_went_down_blames_nobody()
    {
        var first = _journals.Start();
        Mark(first, 1).Begin(WorkStage.Decoding);
        _journals.Die(first);
        var left = File.ReadAllBytes(_journals.File(0));
        Guid.NewGuid().TryWriteBytes(left.AsSpan(8));
        File.WriteAllBytes(_journals.File(0), left);

        Assert.Equal(0, _journals.Start().DeathsOf(1, true));
    }

    [Fact]
    public void Processes_that_share_a_folder_have_a_file_each_and_the_living_find_what_the_dead_did()
    {
        var (first, second) = (_journals.Start(), _journals.Start());
        Mark(second, 7).Begin(WorkStage.Decoding);
        _journals.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(first.DeathsOf(7, returned: true));

        _journals.Die(second, number: 1);
        _journals.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(first.DeathsOf(7, returned: false));
        Assert.Equal(1, first.DeathsOf(7, returned: true));
        // It is in one file now, and survives the next death there.
        Assert.Equal(1, _journals.DieAndStart(first).DeathsOf(7, returned: true));
    }

    [Fact]
    public void A_message_with_two_tasks_is_in_work_until_both_are_done()
    {
        var first = _journals.Start();
        var mark = Mark(first, 1);
        mark.Begin(WorkStage.Inference);
        mark.Begin(WorkStage.Inference);
        mark.End();

        Assert.Equal(1, _journals.DieAndStart(first).DeathsOf(1, true));
    }

    [Fact]
    public void A_batch_is_in_work_as_a_whole_until_it_has_run()
    {
        var first = _journals.Start();
        var marks = Enumerable.Range(1, 40).Select(i => Mark(first, (UInt128)i)).ToArray();
        marks[4].Begin(WorkStage.Decoding);
        // A message with two tasks of the same model is there twice.
        using (NativeWork.Begin([.. marks, marks[7]], WorkStage.Inference))
            Assert.Equal(40, Entries());

        Assert.Equal(1, Entries());
        Assert.Equal(1, _journals.DieAndStart(first).DeathsOf(5, true));
    }

    [Fact]
    public void A_batch_whose_slots_lie_far_apart_is_written_too_and_nothing_between_them_is_lost()
    {
        var first = _journals.Start();
        var marks = Enumerable.Range(1, JournalFile.MostAtOnce + 1).Select(i => Mark(first, (UInt128)i)).ToArray();
        Array.ForEach(marks, mark => mark.Begin(WorkStage.Decoding));
        marks[0].End();
        marks[^1].End();
        var written = Entries();

        using (NativeWork.Begin([Mark(first, 1000), Mark(first, 1001)], WorkStage.Inference))
            Assert.Equal((JournalFile.MostAtOnce - 1, JournalFile.MostAtOnce + 1), (written, Entries()));

        Assert.Equal(JournalFile.MostAtOnce - 1, Entries());
        // Next to each other now, with the first slot between them and the others.
        marks[1].End();
        using (NativeWork.Begin([Mark(first, 1000), Mark(first, 1001)], WorkStage.Inference))
            Assert.Equal(JournalFile.MostAtOnce, Entries());
    }

    [Fact]
    public void Without_a_message_nothing_is_written()
    {
        var first = _journals.Start();

        using (NativeWork.Begin([], WorkStage.Inference))
            Assert.Equal(0, Entries());
    }

    [Fact]
    public void A_suspect_that_was_answered_is_forgotten()
    {
        var journal = _journals.DieAndStart(_journals.Start(), 1, 2);

        journal.Forget(1);

        Assert.Null(journal.DeathsOf(1, true));
        Assert.Equal((null, 0), (_journals.DieAndStart(journal).DeathsOf(1, true), journal.DeathsOf(2, true)));
    }

    [Fact]
    public void A_suspect_that_never_comes_back_is_forgotten_after_many_starts()
    {
        var journal = _journals.DieAndStart(_journals.Start(), 1, 2);
        for (var i = 0; i < 70; i++)
        {
            journal.Dispose();
            journal = _journals.Start();
        }

        Assert.Equal(0, journal.Suspects);
    }

    [Fact]
    public void Without_deaths_to_count_nothing_is_written()
    {
        var journal = _journals.Start(deaths: 0);
        Mark(journal, 1).Begin(WorkStage.Decoding);

        Assert.Empty(Directory.GetFileSystemEntries(_journals.Folder));
        Assert.False(journal.IsOn);
    }

    [Fact]
    public void Damaged_files_blame_nobody_and_are_used_again()
    {
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var bytes = new byte[random.Next(70_000)];
            random.NextBytes(bytes);
            // Half of them look like a journal at first sight.
            if (i % 2 == 0 && bytes.Length > 8)
                "VLJRNL1\0"u8.CopyTo(bytes);
            File.WriteAllBytes(_journals.File(0), bytes);
            using var journal = _journals.Start();
            Assert.True(journal.IsWritten);
            Assert.InRange(journal.Suspects, 0, JournalFile.Slots / 2);
        }
    }

    [Fact]
    public void A_full_journal_still_has_room_for_what_is_in_work()
    {
        var everybody = Enumerable.Range(1, JournalFile.Slots).Select(i => (UInt128)i).ToArray();

        var journal = _journals.DieAndStart(_journals.Start(), everybody);
        Assert.Equal(JournalFile.Slots / 2, journal.Suspects);

        Assert.Equal(1, _journals.DieAndStart(journal, 1_000_000).DeathsOf(1_000_000, true));
    }

    public void Dispose() => _journals.Dispose();

    /// <summary>Slots in use, as they are in the file behind its header.</summary>
    private int Entries() => _journals.Read().Chunk(JournalEntry.Bytes).Skip(1).Count(slot => JournalEntry.Read(slot) is not null);

    private static WorkMark Mark(CrashJournal journal, UInt128 fingerprint) => new(journal, fingerprint, $"m{fingerprint}", returns: true);
}
