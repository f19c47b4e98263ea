using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.Worker.Tests.Inference.Cuda;

/// <summary>
/// A captioner's graphs for CUDA, driven on the processor as the engine drives them on a GPU. The shared cache's kernel is CUDA's alone: here the same
/// blocks run with a cache that grows, whose rows are moved to their beams after each step.
/// </summary>
internal sealed class CaptionSteps(OnnxModel encoder, StepDecoder decoder, GenerationTokens tokens) : IDisposable
{
    private readonly GraphRun _encoder = new(encoder);
    private readonly Lazy<GraphRun> _greedy = new(() => new GraphRun(CaptionerGraphs.GreedyStep(decoder, ElementType.Float, CacheKind.Growing)));
    private readonly Lazy<GraphRun> _beams = new(() => new GraphRun(CaptionerGraphs.BeamStep(decoder, ElementType.Float, CacheKind.Growing)));

    /// <summary>Runs the encoder on images as the worker lays them out.</summary>
    /// <param name="golden">Has the images.</param>
    /// <param name="images">Their names.</param>
    /// <param name="plan">How they are resized.</param>
    /// <param name="vision">The encoder.</param>
    public void Encode(GoldenCases golden, IReadOnlyList<string> images, ResizePlan plan, VisionParameters vision) =>
        Encode(PatchPixels.Of(golden, images, plan, vision.Positions.Rows, vision.PatchProjection.Rows));

    /// <summary>Runs the encoder on inputs by name: values and shape.</summary>
    public void Encode(params (string Name, Array Values, long[] Shape)[] inputs) => _encoder.Run(inputs);

    /// <summary>Searches for the images that were encoded.</summary>
    /// <param name="rows">What each asks for; all have the same number of beams.</param>
    /// <returns>The sequences of each, best first.</returns>
    public IReadOnlyList<FoundSequence>[] Run(params RowRequest[] rows)
    {
        int[] order = [.. Enumerable.Range(0, rows.Length).OrderByDescending(i => GivenTokens.Count(rows[i], tokens))];
        var run = new Batch(this, [.. order.Select(i => rows[i])], order);
        var results = new IReadOnlyList<FoundSequence>[rows.Length];
        for (var step = 0; run.Step(step); step++)
        {
        }

        for (var i = 0; i < order.Length; i++)
            results[order[i]] = run.Rows[i].Result();
        return results;
    }

    public void Dispose()
    {
        _encoder.Dispose();
        foreach (var graph in (Lazy<GraphRun>[])[_greedy, _beams])
        {
            if (graph.IsValueCreated)
                graph.Value.Dispose();
        }
    }

    private sealed class Batch
    {
        private const float Never = -1e9f;

        private readonly CaptionSteps _owner;
        private readonly int[] _order;
        private readonly int _beams;
        private readonly int _steps;
        private readonly bool[] _over;
        private readonly GivenTokens _given;
        private readonly long[] _givenTokens;
        private readonly float[] _firstScores;
        private readonly (string, Array, long[])[] _constants;
        private readonly Dictionary<string, float[]> _cache = [];
        private long[] _ids;
        private long[] _history;
        private float[] _scores;

        public Batch(CaptionSteps owner, RowRequest[] requests, int[] order)
        {
            (_owner, _order, _beams, _steps, _over) = (owner, order, requests[0].Parameters.NumBeams, DeviceSearch.Steps(requests), new bool[requests.Length]);
            var processors = new ScoreProcessors(owner.Tokens);
            Rows = [.. requests.Select((request, i) => _beams > 1
                ? (SearchRow)new BeamRow(i, request, owner.Tokens, processors) : new SingleRow(i, request, owner.Tokens, processors))];
            _given = new GivenTokens(requests.Length, _beams, _steps);
            _givenTokens = new long[_given.Size];
            _given.Write(requests, owner.Tokens, _givenTokens);
            _ids = [.. Enumerable.Repeat((long)owner.Tokens.Prompt[0], requests.Length * _beams)];
            // Nothing is looked at that a step has not written.
            _history = [.. Enumerable.Repeat(long.MinValue, requests.Length * _beams * _steps)];
            _firstScores = [.. Enumerable.Range(0, requests.Length * _beams).Select(i => i % _beams == 0 ? 0 : Never)];
            _scores = [.. _firstScores];
            _constants = [.. Cross(), .. _beams > 1 ? Constants() : [], .. _beams > 1 || owner.Decoder.Ngrams > 0 ? Positions() : [], .. Offsets()];
        }

        public SearchRow[] Rows { get; }

        private int Images => Rows.Length;

        /// <summary>Runs a step and gives the rows what it chose; false once all are over.</summary>
        public bool Step(int step)
        {
            var graph = (_beams > 1 ? _owner._beams : _owner._greedy).Value;
            graph.Run([
                (CaptionerNames.Ids, _ids, [Images, _beams]), (CaptionerNames.Position, new long[] { step }, [1, 1]), .. _constants, .. Cache(step),
                .. _beams > 1 ? [(CaptionerNames.Scores, _scores, [Images, _beams])] : Array.Empty<(string, Array, long[])>(), .. History()]);
            for (var row = 0; row < Rows.Length; row++)
                _over[row] = _over[row] || (step >= Rows[row].Prompt.Count - 1 && !Accept(graph, row));
            Continue(graph, step);
            return !Array.TrueForAll(_over, over => over);
        }

        private bool Accept(GraphRun graph, int row)
        {
            if (Rows[row] is SingleRow single)
                return single.AcceptChoice((int)graph.Integers[CaptionerNames.NextIds][row], graph.Floats[CaptionerNames.LogProbability][row]);
            Candidate[] candidates = [.. Enumerable.Range(row * 2 * _beams, 2 * _beams).Select(i => new Candidate(
                (int)graph.Integers[CaptionerNames.CandidateBeams][i], (int)graph.Integers[CaptionerNames.CandidateTokens][i],
                graph.Floats[CaptionerNames.CandidateScores][i]))];
            return ((BeamRow)Rows[row]).AcceptChoice(candidates, new int[_beams], new int[_beams]);
        }

        private void Continue(GraphRun graph, int step)
        {
            _ids = graph.Integers[CaptionerNames.NextIds];
            _history = graph.Integers.GetValueOrDefault(CaptionerNames.NextHistory, _history);
            foreach (var (name, values) in graph.Floats.Where(entry => entry.Key.StartsWith("present.", StringComparison.Ordinal)))
                _cache[name] = _beams == 1 ? values : Moved(values, graph.Integers[CaptionerNames.NextIndirection], step);
            if (_beams > 1)
                _scores = graph.Floats[CaptionerNames.NextScores];
            var given = step < _steps ? _given.Images(step) * _beams : 0;
            _givenTokens.AsSpan(_given.Offset(step), given).CopyTo(_ids);
            _firstScores.AsSpan(0, given).CopyTo(_scores);
        }

        // At this step's place a history says which beam was gone on from.
        private float[] Moved(float[] cache, long[] histories, int step)
        {
            var (rows, moved) = (Images * _beams, new float[cache.Length]);
            var width = cache.Length / rows;
            for (var row = 0; row < rows; row++)
            {
                var parent = (row / _beams * _beams) + (int)histories[(row * _steps) + step];
                cache.AsSpan(parent * width, width).CopyTo(moved.AsSpan(row * width));
            }

            return moved;
        }

        private IEnumerable<(string, Array, long[])> Cache(int step) => _owner.Decoder.Layers.SelectMany((layer, i) =>
        {
            long[] shape = [Images * _beams, layer.Heads, step, layer.HeadSize];
            return new (string, Array, long[])[]
            {
                (CaptionerNames.PastKey(i), _cache.GetValueOrDefault(CaptionerNames.PresentKey(i), []), shape),
                (CaptionerNames.PastValue(i), _cache.GetValueOrDefault(CaptionerNames.PresentValue(i), []), shape),
            };
        });

        private IEnumerable<(string, Array, long[])> Cross() => _owner._encoder.Floats.Select(entry =>
        {
            var (name, all, layer) = (entry.Key, entry.Value, _owner.Decoder.Layers[0]);
            var (image, width) = (all.Length / Images, name == CaptionerNames.States ? layer.CrossKey.Inputs : layer.CrossHeads * layer.HeadSize);
            float[] ordered = [.. _order.SelectMany(from => all.Skip(from * image).Take(image))];
            return (name, (Array)ordered, new long[] { Images, image / width, width });
        });

        private IEnumerable<(string, Array, long[])> Constants() =>
        [
            (CaptionerNames.CandidateCount, new long[] { 2 * _beams }, [1]), (CaptionerNames.BeamCount, new long[] { _beams }, [1]),
            (CaptionerNames.CandidateOwners, Enumerable.Range(0, 2 * _beams * _beams).Select(i => (long)i / (2 * _beams)).ToArray(), [2 * _beams * _beams]),
            (CaptionerNames.EndToken, new long[] { _owner.Tokens.End.Count == 0 ? -1 : _owner.Tokens.End[0] }, [1]),
            (CaptionerNames.FirstBeams, Enumerable.Range(0, Images).Select(i => (long)i * _beams).ToArray(), [Images, 1]),
            (CaptionerNames.Indirection, new int[Images * _beams * _steps], [Images, _beams, _steps]),
        ];

        private IEnumerable<(string, Array, long[])> Positions() =>
            [(CaptionerNames.CachePositions, Enumerable.Range(0, _steps).Select(i => (long)i).ToArray(), [_steps])];

        private IEnumerable<(string, Array, long[])> Offsets() => _owner.Decoder.Ngrams == 0 ? [] :
            [(CaptionerNames.HistoryOffset, Rows.SelectMany(row => Enumerable.Repeat(row.Parameters.NoRepeatNgramSize > 0 ? 0L : _steps, _beams)).ToArray(), [Images * _beams, 1])];

        private IEnumerable<(string, Array, long[])> History() => _owner.Decoder.Ngrams == 0 ? [] :
            [(CaptionerNames.History(_owner.Decoder.Ngrams), _history, [Images * _beams, _steps])];
    }

    private GenerationTokens Tokens => tokens;

    private StepDecoder Decoder => decoder;
}
