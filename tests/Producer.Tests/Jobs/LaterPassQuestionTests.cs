using VlWorker.Contracts;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Tests.Jobs;

/// <summary>How <c>--only-changed</c> compares lines that ask something of their own.</summary>
public sealed class LaterPassQuestionTests : PassedJob
{
    [Theory]
    [InlineData("one two", "one three", "three")]
    [InlineData("one two", "three two", "three")]
    [InlineData("one two", "two one", "")]
    [InlineData("one two", "zero one two", "zero")]
    [InlineData("one two", "two three", "three")]
    [InlineData("one", "two one", "two")]
    [InlineData("one one", "one one", "")]
    [InlineData("one", "one one", "one")]
    [InlineData("one two", "three", "three")]
    public void Only_the_question_that_is_new_is_asked_wherever_its_line_stands(string before, string after, string published)
    {
        using var job = Create();
        job.Add(Lines(before), "x", isEnd: true);
        job.Settle([.. Enumerable.Range(1, (int)job.Items.Count).Select(i => Described(i))], 0);

        // Line by line, as if the process were killed in between.
        job.Pass.Begin(job.Settings);
        foreach (var line in Lines(after))
            job.Pass.Compare([line], "x", isEnd: false);
        job.Pass.Compare([], null, isEnd: true);

        Assert.Equal(Lines(published).Select(line => line.Own), job.Items.Next(0, 10).Select(item => item.Own));
        Assert.Equal(Math.Max(Lines(before).Count, Lines(after).Count), job.Items.Count);

        job.Settle([.. job.Items.Next(0, 10).Select(item => Described(item.Id))], 0);
        job.Pass.Begin(job.Settings);
        Assert.Equal(0, job.Pass.Compare(Lines(after), "x", isEnd: true));
        Assert.Empty(job.Items.Next(0, 10));
    }

    [Fact]
    public void A_pass_that_dies_while_it_compares_what_waits_goes_on_with_the_rest()
    {
        const int Count = 2500, Done = 1000;
        List<ListedItem> Ask(string what) => [.. Enumerable.Range(0, Count).Select(i => Item($"{i}", $$"""{"prompt":"{{what}} {{i}}"}"""))];
        using (var job = Create())
        {
            job.Add(Ask("one"), "x", isEnd: true);
            job.Settle([.. Enumerable.Range(1, Count).Select(i => Described(i))], 0);
            job.Pass.Begin(job.Settings);
            job.Database.Execute("""
                CREATE TRIGGER death BEFORE UPDATE OF own ON items WHEN NEW.own = '{"prompt":"two 1500"}' BEGIN SELECT RAISE(ABORT, 'killed'); END
                """);
            Assert.Throws<ProducerException>(() => job.Pass.Compare(Ask("two"), "y", isEnd: true));
        }

        using var again = JobFile.Open(Folder["j.vljob"]);
        Assert.Equal((Done, "y", false), (again.Unanswered, again.Position, again.IsListed));
        again.Database.Execute("DROP TRIGGER death");
        Assert.Equal(Count - Done, again.Pass.Compare([], null, isEnd: true));
        Assert.Equal(Ask("two").Select(line => line.Own), again.Items.Next(0, Count + 1).Select(item => item.Own));
        Assert.Equal((Count, true), (again.Items.Count, again.IsListed));
    }

    [Fact]
    public void Comparing_what_waits_ends_when_it_is_stopped_or_the_job_is_cancelled()
    {
        using var job = Create();
        job.Add(Lines("one"), "x", isEnd: true);
        job.Settle([Described(1)], 0);
        job.Pass.Begin(job.Settings);

        Assert.Throws<OperationCanceledException>(() => job.Pass.Compare(Lines("two"), "y", isEnd: true, new CancellationToken(canceled: true)));
        job.Command(JobControl.Cancelled);
        job.Pass.Compare([], null, isEnd: true);
        Assert.False(job.IsListed);
        job.Command(JobControl.Run);
        Assert.Equal(1, job.Pass.Compare([], null, isEnd: true));
        Assert.True(job.IsListed);
    }

    [Theory]
    [InlineData("""{"tasks":["caption","embedding"],"prompt":"p"}""", """{"tasks":["embedding","caption"],"prompt":"p"}""", false)]
    [InlineData("""{"tasks":["caption","embedding"]}""", null, false)]
    [InlineData("""{"tasks":["caption"],"models":{"caption":"c","embedding":"e"}}""", """{"tasks":["caption"],"models":{"caption":"c"}}""", false)]
    [InlineData("""{"generation":{}}""", null, false)]
    [InlineData("""{"context":{"album":"7"},"deadline":"2026-11-27T00:00:00Z"}""", """{"context":{"album":"8"},"embeddingEncoding":"float"}""", false)]
    [InlineData("""{"prompt":"p"}""", """{"prompt":"q"}""", true)]
    [InlineData("""{"prompt":"p"}""", null, true)]
    [InlineData("""{"tasks":["caption"]}""", """{"tasks":["embedding"]}""", true)]
    [InlineData("""{"models":{"caption":"c"}}""", """{"models":{"caption":"d"}}""", true)]
    [InlineData("""{"generation":{"numBeams":2}}""", """{"generation":{"numBeams":3}}""", true)]
    [InlineData("""{"labels":["a","b"],"labelTemplate":"{}"}""", """{"labels":["a","c"],"labelTemplate":"{}"}""", true)]
    [InlineData("""{"image":{"versionId":"1"}}""", """{"image":{"versionId":"2"}}""", true)]
    [InlineData("""{"moreImages":[{"bucket":"b","key":"k"}]}""", """{"moreImages":[{"bucket":"b","key":"l"}]}""", true)]
    public void Lines_are_compared_by_what_they_ask(string? before, string? after, bool isChanged)
    {
        using var job = Create();
        job.Add([Item("a", before)], "a", isEnd: true);
        job.Settle([Described(1)], 0);

        job.Pass.Begin(job.Settings);
        job.Pass.Compare([Item("a", after)], "a", isEnd: true);

        Assert.Equal(isChanged ? 1 : 0, job.Items.Next(0, 10).Count);

        // What is published the next time is what the line says now.
        job.Pass.Begin(job.Settings);
        job.Pass.Compare([Item("a", after) with { Etag = "other" }], "a", isEnd: true);
        Assert.Equal(after, job.Items.Next(0, 10).Single().Own);
    }

    [Fact]
    public void Another_prompt_on_the_command_line_concerns_the_lines_without_one()
    {
        using var job = Create();
        List<ListedItem> lines = [Item("a"), Item("b", """{"prompt":"own"}"""), Item("c", """{"tasks":["embedding"]}""")];
        job.Add(lines, "c", isEnd: true);
        job.Settle([Described(1), Described(2), Described(3)], 0);

        job.Pass.Begin(job.Settings with { Template = new DescribeImage { Prompt = "a photo of" } });
        job.Pass.Compare(lines, "c", isEnd: true);

        Assert.Equal(["a", "c"], job.Items.Next(0, 10).Select(item => item.Key));
        Assert.Equal(2, job.Unanswered);
    }

    [Fact]
    public void A_manifest_of_another_name_or_another_form_of_embeddings_makes_no_result_outdated()
    {
        using var job = Create();
        job.Add([Item("a")], "a", isEnd: true);
        job.Settle([Described(1)], 0);

        job.Pass.Begin(job.Settings with
        {
            Source = new SourceSettings { Bucket = "photos", Manifest = "new.jsonl" },
            Template = new DescribeImage { EmbeddingEncoding = EmbeddingEncodings.Float },
        });
        job.Pass.Compare([Item("a")], "a", isEnd: true);

        Assert.Empty(job.Items.Next(0, 10));
    }

    [Fact]
    public void A_version_says_as_much_as_an_entity_tag()
    {
        using var job = Create();
        List<ListedItem> lines = [Versioned("v1"), Versioned("null"), Item("none") with { Etag = null }];
        job.Add(lines, "x", isEnd: true);
        job.Settle([Described(1) with { Etag = "t" }, Described(2) with { Etag = "t" }, Described(3) with { Etag = "t" }], 0);

        job.Pass.Begin(job.Settings);
        job.Pass.Compare(lines, "x", isEnd: true);

        Assert.Equal(["null", "none"], job.Items.Next(0, 10).Select(item => item.Key));
    }

    [Fact]
    public void Each_task_and_model_that_lines_ask_for_is_asked_once_which_model_answers_and_decides_for_its_lines_alone()
    {
        const string Answer = "answer=vqa@1", Other = "caption=other@1";
        const string Vqa = """{"tasks":["answer"],"prompt":"PROMPT"}""", Named = """{"tasks":["caption"],"models":{"caption":"other"}}""";
        using var job = Create();
        List<ListedItem> lines = [];
        for (var i = 0; i < 3; i++)
            lines.AddRange([Item($"p{i}"), Item($"v{i}", Vqa.Replace("PROMPT", $"{i}", StringComparison.Ordinal)), Item($"n{i}", Named)]);
        job.Add(lines, "x", isEnd: true);
        job.Settle([.. lines.Select((line, i) => Described(i + 1, i % 3 == 0 ? Models : i % 3 == 1 ? Answer : Other))], 0);

        job.Pass.Begin(job.Settings);
        job.Pass.Compare(lines, "x", isEnd: true);
        Assert.Empty(job.Items.Next(0, 10));
        Assert.False(job.Pass.End([]));
        Assert.Equal(["p0", "v0", "n0"], job.Items.Next(0, 10).Select(item => item.Key));
        job.Settle([Described(1), Described(2, "answer=vqa@2"), Described(3, Other)], 0);
        var now = ((int[])[1, 2, 3]).ToDictionary(
            id => job.Items.Asked(id)!.Value, id => (int?)job.Outcomes.Code(OutcomeKind.Described, id == 1 ? Models : id == 2 ? "answer=vqa@2" : Other));

        Assert.False(job.Pass.End(now));
        Assert.Equal(["v1", "v2"], job.Items.Next(0, 10).Select(item => item.Key));
        job.Settle([Described(5, "answer=vqa@2"), Described(8, "answer=vqa@2")], 0);
        Assert.Equal((0, false), (job.Unanswered, job.IsComparing));
    }

    private static ListedItem Versioned(string version) => Item(version, $$$"""{"image":{"versionId":"{{{version}}}"}}""") with { Etag = null };

    private static List<ListedItem> Lines(string prompts) =>
        [.. prompts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(prompt => Item("a", $$$"""{"prompt":"{{{prompt}}}"}"""))];
}
