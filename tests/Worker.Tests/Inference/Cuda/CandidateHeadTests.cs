using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>The choice of beams in the graph is the host's.</summary>
public sealed class CandidateHeadTests
{
    private const int Images = 3;
    private const int Beams = 4;
    private const int Candidates = 2 * Beams;
    private const int Length = 6;
    private const int Step = 2;
    private const int End = 7;

    [Fact]
    public void Candidates_survivors_and_histories_are_those_of_the_host()
    {
        const int Vocabulary = 64;
        var random = new Random(3);
        float[] logits = [.. Enumerable.Range(0, Images * Beams * Vocabulary).Select(_ => random.NextSingle() * 4)];
        float[] scores = [.. Enumerable.Range(0, Images * Beams).Select(_ => -random.NextSingle() * 3)];
        // One image's end token is likely, so that some candidates end.
        for (var beam = 0; beam < Beams; beam++)
            logits[(beam * Vocabulary) + End] = 6;
        int[] history = [.. Enumerable.Range(0, Images * Beams * Length).Select(_ => random.Next(Beams))];
        using var graph = new GraphRun(Build(Vocabulary)).Run(
            ("logits_in", logits, [Images * Beams, Vocabulary]), (CaptionerNames.Scores, scores, [Images, Beams]),
            (CaptionerNames.CandidateCount, new long[] { Candidates }, [1]), (CaptionerNames.BeamCount, new long[] { Beams }, [1]),
            (CaptionerNames.CandidateOwners, Enumerable.Range(0, Beams * Candidates).Select(i => (long)(i / Candidates)).ToArray(), [Beams * Candidates]),
            (CaptionerNames.EndToken, new long[] { End }, [1]), (CaptionerNames.FirstBeams, new long[] { 0, Beams, 2 * Beams }, [Images, 1]),
            (CaptionerNames.Indirection, history, [Images, Beams, Length]), (CaptionerNames.Position, new long[] { Step }, [1, 1]),
            (CaptionerNames.CachePositions, new long[] { 0, 1, 2, 3, 4, 5 }, [Length]));
        for (var image = 0; image < Images; image++)
        {
            var best = Best(logits, scores, image, Vocabulary);
            Assert.Equal(best.Select(candidate => (long)candidate.Token), Row(graph.Integers[CaptionerNames.CandidateTokens], image, Candidates));
            Assert.Equal(best.Select(candidate => (long)candidate.Beam), Row(graph.Integers[CaptionerNames.CandidateBeams], image, Candidates));
            var running = best.Where(candidate => candidate.Token != End).Take(Beams).ToList();
            Assert.Equal(running.Select(candidate => (long)candidate.Token), Row(graph.Integers[CaptionerNames.NextIds], image, Beams));
            for (var beam = 0; beam < Beams; beam++)
            {
                Assert.Equal(running[beam].Score, graph.Floats[CaptionerNames.NextScores][(image * Beams) + beam], 1e-5);
                var expected = history.AsSpan(((image * Beams) + running[beam].Beam) * Length, Length).ToArray();
                expected[Step] = running[beam].Beam;
                Assert.Equal(
                    expected.Select(value => (long)value), Row(graph.Integers[CaptionerNames.NextIndirection], (image * Beams) + beam, Length));
            }
        }
    }

    [Theory]
    [InlineData(50, false)]
    [InlineData(50, true)]
    [InlineData(64, true)]
    public void What_pads_the_vocabulary_weighs_nothing_and_a_bias_is_added(int vocabulary, bool biased)
    {
        const int Width = 16;
        var random = new Random(5);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        var graph = new CudaGraph(ElementType.Float);
        var states = graph.Builder.Input("states", ElementType.Float, "images", 1, Width);
        var embedding = new Matrix(vocabulary, Width, Values(vocabulary * Width));
        float[]? bias = biased ? Values(vocabulary) : null;
        var head = new VocabularyHead(embedding, bias, null);
        CandidateHead.Greedy(graph, CandidateHead.Logits(graph, head, states), head.Columns);
        var state = Values(Width);
        using var run = new GraphRun(graph.Builder.Build()).Run(("states", state, [1, 1, Width]));
        var logits = Enumerable.Range(0, vocabulary)
            .Select(token => embedding.Row(token).ToArray().Zip(state, (one, other) => one * other).Sum() + (bias?[token] ?? 0)).ToArray();
        var best = Array.IndexOf(logits, logits.Max());
        Assert.Equal(best, run.Integers[CaptionerNames.NextIds][0]);
        Assert.Equal(logits[best] - Math.Log(logits.Sum(logit => Math.Exp(logit))), run.Floats[CaptionerNames.LogProbability][0], 1e-5);
        Assert.Equal(0, head.Columns % 64);
    }

    private static OnnxModel Build(int vocabulary)
    {
        var graph = new CudaGraph(ElementType.Float);
        var logits = graph.Builder.Node("Identity", [graph.Builder.Input("logits_in", ElementType.Float, "rows", vocabulary)]);
        var indirection = graph.Builder.Input(CaptionerNames.Indirection, ElementType.Int32, "images", "beams", "length");
        graph.Builder.Input(CaptionerNames.Position, ElementType.Int64, 1, 1);
        CandidateHead.Beams(graph, logits, vocabulary, indirection);
        return graph.Builder.Build();
    }

    private static Candidate[] Best(float[] logits, float[] scores, int image, int vocabulary)
    {
        var candidates = new TopCandidates(Candidates);
        for (var beam = 0; beam < Beams; beam++)
        {
            var row = logits.AsSpan(((image * Beams) + beam) * vocabulary, vocabulary).ToArray();
            Assert.True(VectorMath.LogSoftmax(row));
            candidates.Offer(beam, row, scores[(image * Beams) + beam]);
        }

        return candidates.Best.ToArray();
    }

    private static IEnumerable<long> Row(long[] values, int row, int width) => values.Skip(row * width).Take(width);
}
