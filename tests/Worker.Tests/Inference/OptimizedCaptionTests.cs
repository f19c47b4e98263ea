using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Conversion;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

/// <summary>The captioner optimised for the CPU: in 32-bit floats what transformers gives; in 8 bits, rows that nothing beside them changes.</summary>
public sealed class OptimizedCaptionTests(OptimizedCaptionFixture fixture) : IClassFixture<OptimizedCaptionFixture>
{
    // Longer than what the cache has room for at first.
    private static readonly GenerationParameters Long = new(40, 40, 1, 1, EarlyStopping.Heuristic, 0, 1, 1);

    [Fact]
    public void Every_case_alone_gives_the_tokens_and_scores_of_transformers()
    {
        foreach (var golden in fixture.Golden.Captions)
            fixture.Check([golden]);
    }

    [Fact]
    public void All_greedy_cases_in_one_batch_give_the_same() =>
        fixture.Check([.. fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams == 1)]);

    [Fact]
    public void All_beam_cases_in_one_batch_give_the_same() =>
        fixture.Check([.. fixture.Golden.Captions.Where(golden => golden.Parameters.NumBeams > 1)]);

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    public void Rows_that_leave_at_any_step_leave_the_others_as_they_are_alone(int beams, bool int8)
    {
        var model = int8 ? fixture.Int8 : fixture.Model;
        var (random, stems) = (new Random(5), fixture.Golden.Images.ToArray());
        var rows = Enumerable.Range(0, 16).Select(i => fixture.Row(stems[i % stems.Length], Long with
        {
            NumBeams = beams,
            NumReturnSequences = beams,
            MinLength = 0,
            MaxLength = 2 + (i % 12),
        })).ToArray();
        random.Shuffle(rows);

        var together = model.Run(rows, CancellationToken.None);

        for (var i = 0; i < rows.Length; i++)
            Equal(model.Run([rows[i]], CancellationToken.None)[0], together[i], int8 ? 0 : 1e-4);
    }

    [Fact]
    public void A_sequence_may_grow_past_the_room_that_there_is_at_first()
    {
        var expected = fixture.Exported.Run([fixture.Row("scene", Long), fixture.Row("tall", Long)], CancellationToken.None);
        var actual = fixture.Model.Run([fixture.Row("scene", Long), fixture.Row("tall", Long)], CancellationToken.None);
        for (var i = 0; i < expected.Count; i++)
            Equal(expected[i], actual[i], 1e-4);
        Assert.Equal(40, Assert.IsType<CaptionOutcome>(actual[0]).Sequences[0].TokenIds.Count);
    }

    [Fact]
    public void A_row_that_the_engine_fails_on_fails_alone()
    {
        using var small = new PreparedRow(16);
        var good = fixture.Row("scene", Long with { MinLength = 0, MaxLength = 9 });
        var outcomes = fixture.Model.Run([good, small.Input(good.Generation!), good], CancellationToken.None);
        Assert.IsType<TransientException>(Assert.IsType<FailedOutcome>(outcomes[1]).Error);
        Assert.IsType<CaptionOutcome>(outcomes[0]);
        Equal(outcomes[0], outcomes[2], 0);
    }

    [Fact]
    public void Batches_on_several_threads_do_not_disturb_each_other()
    {
        var rows = fixture.Golden.Captions.Select(golden => CaptionFixture.Input(fixture.Golden, golden)).ToArray();
        var expected = fixture.Int8.Run(rows, CancellationToken.None);
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, run =>
        {
            InferenceInput[] part = [.. rows.Where((_, i) => i % 3 == run % 3)];
            var outcomes = fixture.Int8.Run(part, CancellationToken.None);
            for (var i = 0; i < part.Length; i++)
                Equal(expected[Array.IndexOf(rows, part[i])], outcomes[i], 0);
        });
    }

    private static void Equal(InferenceOutcome expected, InferenceOutcome actual, double tolerance)
    {
        var (a, b) = (Assert.IsType<CaptionOutcome>(expected).Sequences, Assert.IsType<CaptionOutcome>(actual).Sequences);
        Assert.Equal(a.Select(sequence => sequence.TokenIds), b.Select(sequence => sequence.TokenIds));
        for (var i = 0; i < a.Count; i++)
            Assert.Equal(a[i].Score, b[i].Score, tolerance * Math.Max(1, Math.Abs(a[i].Score)));
    }
}

/// <summary>The tiny captioner as it was exported, and optimised.</summary>
public sealed class OptimizedCaptionFixture : IDisposable
{
    private readonly CaptionFixture _exported = new();
    private readonly List<string> _folders = [];

    public OptimizedCaptionFixture()
    {
        Model = Load(ConversionPrecision.Fp32);
        Int8 = Load(ConversionPrecision.Int8);
    }

    internal GoldenCases Golden => _exported.Golden;

    internal IModel Exported => _exported.Merged;

    internal IModel Model { get; }

    internal IModel Int8 { get; }

    internal void Check(IReadOnlyList<GoldenCaption> captions) => _exported.Check(captions, Model);

    internal ImageInput Row(string stem, GenerationParameters parameters) => new(Contracts.Tasks.Caption, Golden.Pixels(stem), parameters);

    public void Dispose()
    {
        Model.Dispose();
        Int8.Dispose();
        _exported.Dispose();
        _folders.ForEach(static folder => Directory.Delete(folder, true));
    }

    private IModel Load(ConversionPrecision precision)
    {
        _folders.Add(OptimizedFolders.Cpu(FixtureArchive.Extract("vit-gpt2-tiny"), precision));
        return ModelLoader.Load("tiny", _folders[^1], new ModelOptions());
    }
}
