using Microsoft.Extensions.Time.Testing;
using VlWorker.Contracts;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Tests.Jobs;

public sealed class JobFileTests : IDisposable
{
    private const string Models = "caption=captioner@1 embedding=clip@2";
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Everything_is_there_after_opening_again()
    {
        using (var job = Create())
        {
            job.Add([Item("a"), Item("b", "own")], "b", isEnd: false);
            job.Advance(0, 1);
            job.Settle([Described(1)], 2.5);
            job.Command(JobControl.Paused);
        }

        using var again = JobFile.Open(_folder["j.vljob"]);
        Assert.Equal(("autumn", "b", false, 1L, JobControl.Paused, 2.5), (again.Settings.Job, again.Position, again.IsListed, again.Watermark, again.Control, again.WorkingSeconds));
        Assert.Equal((2L, 1L), (again.Items.Count, again.Unanswered));
        Assert.Equal([new JobItem(2, "photos", "b", "etag-b", "own")], again.Items.Next(0, 10));
        Assert.Equal((OutcomeKind.Described, Models, 1L), again.Outcomes.All().Select(o => (o.Kind, o.Detail, o.Count)).Single());
        Assert.Matches("^vl\\.job\\.autumn\\.[0-9a-f]{8}$", again.Queue);
    }

    [Fact]
    public void An_answer_counts_once_and_a_later_one_of_another_kind_replaces_it()
    {
        using var job = Create();
        job.Add([Item("a"), Item("b")], "b", isEnd: true);

        Assert.Single(job.Settle([new Settlement(1, OutcomeKind.Dead, "attempts-exhausted", "it failed", null, null, 0)], 0));
        Assert.Empty(job.Settle([new Settlement(1, OutcomeKind.Dead, "attempts-exhausted", "it failed", null, null, 0)], 0));
        Assert.Empty(job.Settle([Described(1)], 0));
        Assert.Empty(job.Settle([Described(99)], 0));

        Assert.Equal(1, job.Unanswered);
        Assert.Equal([0L, 1L], job.Outcomes.All().Select(outcome => outcome.Count));
    }

    [Fact]
    public void What_is_to_be_published_again_is_not_passed_over_by_a_confirm_that_comes_late()
    {
        using var job = Create();
        job.Add([Item("a"), Item("b")], "b", isEnd: true);
        Assert.True(job.Advance(0, 1));
        job.Rewind();
        Assert.False(job.Advance(1, 2));
        Assert.Equal(0, job.Watermark);
    }

    [Fact]
    public void What_was_not_published_is_dropped_when_a_job_is_cancelled()
    {
        using var job = Create();
        job.Add([Item("a"), Item("b"), Item("c")], "c", isEnd: true);
        job.Advance(0, 1);

        Assert.Equal(2, job.Cancellation.DropUnpublished());

        Assert.Equal(1, job.Unanswered);
        Assert.Equal(OutcomeKind.NotPublished, Assert.Single(job.Outcomes.All()).Kind);
    }

    [Fact]
    public void A_job_file_takes_at_most_120_bytes_an_item_beside_its_key()
    {
        const int Count = 50_000;
        var keys = Enumerable.Range(0, Count).Select(i => $"archive/2026/{i:D8}.jpg").ToList();
        using (var job = Create())
        {
            foreach (var part in keys.Chunk(500))
                job.Add([.. part.Select(key => new ListedItem("photos", key, Hash(key)[..32], null))], part[^1], isEnd: false);
            foreach (var part in Enumerable.Range(1, Count).Chunk(500))
                job.Settle([.. part.Select(i => new Settlement(i, OutcomeKind.Described, Models, null, Hash($"{i}")[..32], [.. Convert.FromHexString(Hash($"c{i}")), .. Convert.FromHexString(Hash($"e{i}"))], 1))], 1);
            job.Pass.Begin(job.Settings);
            job.Pass.Compare([new ListedItem("photos", keys[7], "new", null)], keys[7], isEnd: true);
        }

        var bytes = new FileInfo(_folder["j.vljob"]).Length;
        Assert.False(File.Exists(_folder["j.vljob-wal"]), "the log is written back when the file is closed");
        Assert.InRange((bytes / (double)Count) - keys[0].Length, 80, 120);
    }

    [Fact]
    public void A_full_disk_is_named_and_what_was_recorded_stays()
    {
        using (var job = Create())
        {
            job.Add([Item("a")], "a", isEnd: false);

            // SQLite itself fails as on a full disk.
            job.Database.Execute("PRAGMA max_page_count = 16");
            var error = Assert.Throws<ProducerException>(() => job.Add([.. Enumerable.Range(0, 5000).Select(i => Item($"{i}"))], "z", isEnd: true));
            Assert.Equal(ExitCode.JobFile, error.ExitCode);
            Assert.Contains("is full. What was recorded is safe", error.Message, StringComparison.Ordinal);
        }

        using var again = JobFile.Open(_folder["j.vljob"]);
        Assert.Equal((1L, "a", false), (again.Items.Count, again.Position, again.IsListed));
    }

    [Fact]
    public async Task Only_one_process_runs_a_job()
    {
        var (path, time) = (_folder["j.vljob"], new FakeTimeProvider());
        var owner = await JobLease.TakeAsync(path, time, default);
        Assert.Equal(ExitCode.JobFile, (await Assert.ThrowsAsync<ProducerException>(() => JobLease.TakeAsync(path, TimeProvider.System, default))).ExitCode);
        var waiting = JobLease.TakeAsync(path, time, default);

        // As 'status' does, which has the lock for a moment.
        owner.Dispose();
        time.Advance(TimeSpan.FromSeconds(1));
        using var free = await waiting;
    }

    [Fact]
    public void Another_file_is_refused_and_an_existing_one_is_not_written_over()
    {
        _folder.Write("text.vljob", new string('x', 5000));
        Assert.Contains("is no job file", Assert.Throws<ProducerException>(() => JobFile.Open(_folder["text.vljob"])).Message, StringComparison.Ordinal);
        Assert.Contains("there is no job file", Assert.Throws<ProducerException>(() => JobFile.Open(_folder["none"])).Message, StringComparison.Ordinal);
        using (var job = Create())
            job.Add([Item("a")], "a", isEnd: false);
        Assert.Contains("--resume takes it up", Assert.Throws<ProducerException>(Create).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_job_that_listed_nothing_takes_another_source_and_a_torn_beginning_leaves_no_job()
    {
        _folder.Write("j.vljob.new", "half a fi");
        Create().Dispose();
        var settings = new JobSettings { Job = "autumn", Source = new SourceSettings { Bucket = "other" }, Template = new DescribeImage() };

        using var job = JobFile.Create(_folder["j.vljob"], settings, TimeProvider.System);
        Assert.Equal("other", job.Settings.Source.Bucket);
        Assert.False(File.Exists(_folder["j.vljob.new"]));
    }

    [Fact]
    public void A_file_of_a_later_version_is_refused()
    {
        using (var job = Create())
            job.Database.Execute("PRAGMA user_version = 2");

        Assert.Contains("later version", Assert.Throws<ProducerException>(() => JobFile.Open(_folder["j.vljob"])).Message, StringComparison.Ordinal);
    }

    private JobFile Create() => JobFile.Create(
        _folder["j.vljob"], new JobSettings { Job = "autumn", Source = new SourceSettings { Bucket = "photos" }, Template = new DescribeImage() }, TimeProvider.System);

    private static ListedItem Item(string key, string? own = null) => new("photos", key, $"etag-{key}", own);

    private static Settlement Described(long id) => new(id, OutcomeKind.Described, Models, null, null, new byte[64], 5);

    private static string Hash(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
