using Microsoft.ML.OnnxRuntime;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Inference.Engine;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Engine;

public sealed class RowIsolationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    public void Only_the_rows_that_the_engine_fails_on_fail(int count)
    {
        var poisonous = count / 2;
        var runs = 0;
        var outcomes = new InferenceOutcome[count];
        RowIsolation.Run<int>([.. Enumerable.Range(0, count)], outcomes, (rows, results) =>
        {
            runs++;
            if (rows.Contains(poisonous))
                throw EngineFailure();
            for (var i = 0; i < rows.Length; i++)
                results[i] = new EmbeddingOutcome([rows[i]]);
        }, static _ => null);

        for (var i = 0; i < count; i++)
        {
            if (i == poisonous)
                Assert.IsType<TransientException>(Assert.IsType<FailedOutcome>(outcomes[i]).Error);
            else
                Assert.Equal([i], Assert.IsType<EmbeddingOutcome>(outcomes[i]).Values);
        }

        Assert.InRange(runs, 1, 2 * (1 + (int)Math.Ceiling(Math.Log2(count))));
    }

    [Fact]
    public void What_is_not_the_engines_failure_is_the_callers() => Assert.Throws<OperationCanceledException>(() =>
        RowIsolation.Run<int>([1, 2], new InferenceOutcome[2], (_, _) => throw new OperationCanceledException(), static _ => null));

    [Fact]
    public void Rows_that_had_ended_before_their_batch_failed_are_not_run_again()
    {
        var (ended, ran) = (new Dictionary<int, InferenceOutcome>(), new List<int[]>());
        var outcomes = new InferenceOutcome[6];
        RowIsolation.Run<int>([0, 1, 2, 3, 4, 5], outcomes, (rows, results) =>
        {
            ran.Add(rows.ToArray());
            if (ran.Count == 1)
            {
                ended[1] = new EmbeddingOutcome([10]);
                ended[4] = new EmbeddingOutcome([40]);
            }

            if (rows.Contains(5))
                throw EngineFailure();
            for (var i = 0; i < rows.Length; i++)
                results[i] = new EmbeddingOutcome([rows[i]]);
        }, ended.GetValueOrDefault);

        Assert.Equal(["012345", "0235", "02", "35", "3", "5"], ran.Select(static rows => string.Concat(rows)));
        Assert.Equal([0, 10, 2, 3, 40], outcomes[..5].Select(outcome => Assert.IsType<EmbeddingOutcome>(outcome).Values[0]));
        Assert.IsType<FailedOutcome>(outcomes[5]);
    }

    // The engine's exceptions can't be made by hand: a real one, from a file that is no graph.
    internal static OnnxRuntimeException EngineFailure()
    {
        var file = Path.Combine(FixtureArchive.Extract("clip-tiny"), "config.json");
        return Assert.ThrowsAny<OnnxRuntimeException>(() => new InferenceSession(file).Dispose());
    }
}
