using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>What a row may expect of its batch-mates: nothing.</summary>
public sealed class BatchBehaviourTests(CaptionFixture fixture) : IClassFixture<CaptionFixture>
{
    private static readonly GenerationParameters Greedy = new(17, 0, 1, 1, EarlyStopping.Heuristic, 0, 1, 1);
    private static readonly GenerationParameters Beams = new(17, 0, 3, 1, EarlyStopping.Heuristic, 0, 1, 3);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rows_that_leave_the_batch_at_any_step_leave_the_others_as_they_are_alone(bool beams)
    {
        // Every length from 1 up, shuffled: at each step rows finish at the front, in the middle and at the end of the batch.
        var random = new Random(5);
        var stems = fixture.Golden.Images.ToArray();
        var rows = Enumerable.Range(0, 24).Select(i => Row(stems[i % stems.Length], (beams ? Beams : Greedy) with { MaxLength = 2 + (i % 12) })).ToArray();
        random.Shuffle(rows);

        var together = Run(rows);

        for (var i = 0; i < rows.Length; i++)
            Equal(Run(rows[i])[0], together[i]);
    }

    [Fact]
    public void The_same_batch_gives_the_same_result_again()
    {
        var rows = fixture.Golden.Captions.Select(golden => CaptionFixture.Input(fixture.Golden, golden)).ToArray();
        var first = Run(rows);
        var second = Run(rows);
        for (var i = 0; i < rows.Length; i++)
        {
            var (a, b) = (Assert.IsType<CaptionOutcome>(first[i]), Assert.IsType<CaptionOutcome>(second[i]));
            Assert.Equal(a.Sequences.Select(sequence => (sequence.Text, sequence.Score)), b.Sequences.Select(sequence => (sequence.Text, sequence.Score)));
        }
    }

    [Fact]
    public void Batches_on_several_threads_do_not_disturb_each_other()
    {
        var rows = fixture.Golden.Captions.Select(golden => CaptionFixture.Input(fixture.Golden, golden)).ToArray();
        var expected = Run(rows);
        Parallel.For(0, 12, new ParallelOptions { MaxDegreeOfParallelism = 4 }, run =>
        {
            InferenceInput[] part = [.. rows.Where((_, i) => i % 3 == run % 3)];
            var outcomes = Run(part);
            for (var i = 0; i < part.Length; i++)
                Equal(expected[Array.IndexOf(rows, part[i])], outcomes[i]);
        });
    }

    [Fact]
    public void Rows_that_can_not_be_run_fail_alone()
    {
        var good = Row("scene", Greedy);
        var outcomes = Run(
            good,
            new ImageInput(Tasks.Caption, fixture.Golden.Pixels("tall"), null),
            new ImageInput(Tasks.Embedding, fixture.Golden.Pixels("tall"), Greedy),
            new TextInput(new TokenizedText([1], false)),
            Row("tall", Greedy with { MaxLength = 66 }),
            Row("tall", Greedy with { RepetitionPenalty = 0 }),
            Row("tall", Beams with { NumReturnSequences = 4 }),
            good);
        Equal(Run(good)[0], outcomes[0]);
        Equal(outcomes[0], outcomes[^1]);
        string[] reasons =
        [
            RejectionReason.BadRequest, RejectionReason.UnsupportedTask, RejectionReason.UnsupportedTask, RejectionReason.BadRequest,
            RejectionReason.BadRequest, RejectionReason.BadRequest,
        ];
        Assert.Equal(reasons, outcomes[1..^1].Select(outcome => Assert.IsType<RejectedException>(Assert.IsType<FailedOutcome>(outcome).Error).Reason));
    }

    [Fact]
    public void A_row_that_the_engine_fails_on_fails_alone()
    {
        // The tower takes 224 pixels and nothing else: the graph itself fails on this row.
        using var small = new PreparedRow(16);
        var outcomes = Run(Row("scene", Greedy), small.Input(Greedy), Row("tall", Greedy));
        Assert.IsType<TransientException>(Assert.IsType<FailedOutcome>(outcomes[1]).Error);
        Equal(Run(Row("scene", Greedy))[0], outcomes[0]);
        Equal(Run(Row("tall", Greedy))[0], outcomes[2]);
    }

    [Fact]
    public void A_cancelled_run_ends_and_the_model_works_on()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => fixture.Merged.Run([Row("scene", Greedy)], cancelled.Token));
        Assert.IsType<CaptionOutcome>(Run(Row("scene", Greedy))[0]);
    }

    [Fact]
    public void Rows_of_one_key_share_a_batch()
    {
        var key = fixture.Merged.KeyOf(Row("scene", Greedy));
        Assert.Equal(key, fixture.Merged.KeyOf(Row("tall", Greedy with { MaxLength = 5, NoRepeatNgramSize = 2 })));
        Assert.NotEqual(key, fixture.Merged.KeyOf(Row("scene", Beams)));
        Assert.Equal(key, fixture.Split.KeyOf(Row("scene", Greedy))); // a copy of the same alias
    }

    private ImageInput Row(string stem, GenerationParameters parameters) => new(Tasks.Caption, fixture.Golden.Pixels(stem), parameters);

    private InferenceOutcome[] Run(params InferenceInput[] rows) => [.. fixture.Merged.Run(rows, CancellationToken.None)];

    private static void Equal(InferenceOutcome expected, InferenceOutcome actual)
    {
        var (a, b) = (Assert.IsType<CaptionOutcome>(expected).Sequences, Assert.IsType<CaptionOutcome>(actual).Sequences);
        Assert.Equal(a.Select(sequence => sequence.TokenIds), b.Select(sequence => sequence.TokenIds));
        for (var i = 0; i < a.Count; i++)
            Assert.Equal(a[i].Score, b[i].Score, 1e-4 * Math.Max(1, Math.Abs(a[i].Score)));
    }
}
