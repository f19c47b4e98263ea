using VlWorker.Inference;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>What a step keeps from repeating is what the host would keep from it.</summary>
public sealed class RepeatBanTests
{
    private const int Vocabulary = 5;
    private const int Columns = 8;
    private const int Length = 12;
    private const int Rows = 40;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_same_tokens_are_kept_down_at_every_step(int size)
    {
        var random = new Random(size);
        // Few tokens, so that much repeats.
        int[][] sequences = [.. Enumerable.Range(0, Rows).Select(_ => Enumerable.Range(0, Length).Select(_ => random.Next(Vocabulary)).ToArray())];
        var processors = new ScoreProcessors(new GenerationTokens([0], [], null, null));
        var parameters = new GenerationParameters(Length, 0, 1, 1, EarlyStopping.Heuristic, size, 1, 1);
        using var run = new GraphRun(Build(size));
        var banned = 0;
        for (var step = 0; step < Length; step++)
        {
            run.Run(
                ("scores", new float[Rows * Columns], [Rows, Columns]), (CaptionerNames.Ids, Column(sequences, step), [Rows, 1]),
                (CaptionerNames.History(size), Written(sequences, step), [Rows, Length]), (CaptionerNames.Position, new long[] { step }, [1, 1]),
                (CaptionerNames.CachePositions, Enumerable.Range(0, Length).Select(i => (long)i).ToArray(), [Length]),
                (CaptionerNames.HistoryOffset, Enumerable.Range(0, Rows).Select(row => IsOff(row) ? (long)Length : 0).ToArray(), [Rows, 1]));
            for (var row = 0; row < Rows; row++)
            {
                var expected = new float[Vocabulary];
                if (!IsOff(row))
                    processors.Apply(expected, sequences[row].AsSpan(0, step + 1), 1, parameters);
                var found = run.Floats["kept"].AsSpan(row * Columns, Vocabulary).ToArray();
                Assert.Equal(expected.Select(float.IsNegativeInfinity), found.Select(score => score == CandidateHead.Never));
                banned += found.Count(score => score != 0);
                Assert.Equal(sequences[row].Take(step + 1).Select(token => (long)token), run.Integers[CaptionerNames.NextHistory].Skip(row * Length).Take(step + 1));
            }
        }

        Assert.NotEqual(0, banned);
    }

    private static bool IsOff(int row) => row % 4 == 3;

    private static long[] Column(int[][] sequences, int step) => [.. sequences.Select(sequence => (long)sequence[step])];

    // What lies at the step and behind is whatever was there.
    private static long[] Written(int[][] sequences, int step) =>
        [.. sequences.SelectMany(sequence => sequence.Select((token, i) => i < step ? (long)token : 1))];

    private static OnnxModel Build(int size)
    {
        var graph = new CudaGraph(ElementType.Float);
        var builder = graph.Builder;
        var scores = builder.Input("scores", ElementType.Float, "rows", Columns);
        builder.Input(CaptionerNames.Ids, ElementType.Int64, "rows", 1);
        builder.Input(CaptionerNames.Position, ElementType.Int64, 1, 1);
        builder.Input(CaptionerNames.CachePositions, ElementType.Int64, "length");
        var ban = new RepeatBan(graph, size, CaptionerNames.Ids);
        builder.Output(ban.Apply(scores, Columns), "kept", ElementType.Float, "rows", Columns);
        builder.Output(ban.History, CaptionerNames.NextHistory, ElementType.Int64, "rows", "length");
        return builder.Build();
    }
}
