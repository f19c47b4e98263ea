using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference;
using VlWorker.Inference.Engine;
using VlWorker.Worker.Tests.Batching;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Engine;

public sealed class JoinedRowsTests
{
    private readonly Dictionary<int, InferenceOutcome> _ended = [];
    private readonly List<int[]> _ran = [];

    [Fact]
    public void What_makes_no_sense_is_rejected_at_once_and_what_was_left_open_runs_in_the_end()
    {
        var (rejected, source) = (new StubInput(""), new Source());
        InferenceOutcome? told = null;
        rejected.OnOutcome = outcome => told = outcome;
        source.Waiting.AddRange([new StubInput("1"), rejected, new StubInput("22"), new StubInput("333")]);
        var joined = new JoinedRows<int>(source, Prepare, Known);

        Assert.Equal([1, 2], joined.Take(3));
        Assert.IsType<RejectedException>(Assert.IsType<FailedOutcome>(told).Error);
        Assert.Equal([3], joined.Take(3));
        _ended[2] = new EmbeddingOutcome([20]);
        var outcomes = joined.Finish(Run);

        Assert.Equal([[1, 3]], _ran);
        Assert.Same(told, outcomes[1]);
        Assert.Equal([1, 20, 3], outcomes.OfType<EmbeddingOutcome>().Select(static outcome => outcome.Values[0]));
    }

    [Fact]
    public void Of_those_that_were_left_open_only_the_one_that_the_engine_fails_on_fails()
    {
        var source = new Source();
        source.Waiting.AddRange(Enumerable.Range(1, 5).Select(static length => new StubInput(new string('x', length))));
        var joined = new JoinedRows<int>(source, Prepare, Known);
        Assert.Equal(5, joined.Take(8).Count);

        var outcomes = joined.Finish((rows, results) =>
        {
            if (rows.Contains(4))
                throw RowIsolationTests.EngineFailure();
            Run(rows, results);
        });

        Assert.Equal([false, false, false, true, false], outcomes.Select(static outcome => outcome is FailedOutcome { Error: TransientException }));
    }

    [Fact]
    public void Where_nobody_has_joined_nothing_runs() => Assert.Empty(new JoinedRows<int>(new Source(), Prepare, Known).Finish(Run));

    private static int Prepare(InferenceInput input) =>
        ((StubInput)input).Name.Length is > 0 and var length ? length : throw new RejectedException(RejectionReason.BadRequest, "empty");

    private InferenceOutcome? Known(int row) => _ended.GetValueOrDefault(row);

    private void Run(ReadOnlySpan<int> rows, Span<InferenceOutcome> results)
    {
        _ran.Add(rows.ToArray());
        for (var i = 0; i < rows.Length; i++)
            results[i] = new EmbeddingOutcome([rows[i]]);
    }

    private sealed class Source : IRowSource
    {
        public List<InferenceInput> Waiting { get; } = [];

        public IReadOnlyList<InferenceInput> Take(int most)
        {
            InferenceInput[] taken = [.. Waiting.Take(most)];
            Waiting.RemoveRange(0, taken.Length);
            return taken;
        }
    }
}
