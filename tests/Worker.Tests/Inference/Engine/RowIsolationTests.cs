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
        });

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
        RowIsolation.Run<int>([1, 2], new InferenceOutcome[2], (_, _) => throw new OperationCanceledException()));

    // The engine's exceptions can't be made by hand: a real one, from a file that is no graph.
    private static OnnxRuntimeException EngineFailure()
    {
        var file = Path.Combine(FixtureArchive.Extract("clip-tiny"), "config.json");
        return Assert.ThrowsAny<OnnxRuntimeException>(() => new InferenceSession(file).Dispose());
    }
}
