using VlWorker.Inference.Families.Idefics3.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Idefics3;
using VlWorker.ModelKit.Families.Idefics3.CudaGraphs;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.Worker.Tests.Inference.Cuda;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3.Cuda;

/// <summary>The graphs that SmolVLM has for CUDA, in 32-bit floats on the processor: one batch's prompts, steps, forks and lengths as on a GPU.</summary>
internal sealed class ChatGraphRun : IDecoderRun
{
    // Few, so that a batch's prompts go in several runs.
    private const int PromptTokens = 64;

    // Above what any row has, as on a GPU.
    private const int Capacity = 128;

    private readonly LlamaParameters _text;
    private readonly GraphRun _prompt;
    private readonly GraphRun _step;
    private readonly Dictionary<string, float[]> _cache = [];
    private float[] _features = [];
    private float[] _logits = [];
    private int[] _lengths = [];
    private ChatBatch _batch = new([[0]], 0);
    private RowPlaces _places = new([], 0);

    public ChatGraphRun(LlamaParameters text)
    {
        _text = text;
        _prompt = new GraphRun(ChatCudaGraphs.Prompt(text, ElementType.Float));
        _step = new GraphRun(ChatCudaGraphs.Step(text, ElementType.Float));
    }

    private int Columns => CandidateHead.Columns(_text.Vocabulary);

    /// <summary>Begins with another batch.</summary>
    public void Begin(ChatBatch batch, float[] features, int beams)
    {
        (_batch, _features, _places) = (batch, features, new RowPlaces(batch.Places, batch.Count * beams));
        (_lengths, _logits) = (new int[_places.All], new float[_places.All * Columns]);
        foreach (var (name, row) in Tensors())
            _cache[name] = new float[_places.All * row];
    }

    public bool TakesImagesSingly(HiddenStates states) => false;

    public int Start(HiddenStates states, PromptBatch prompts, int width)
    {
        foreach (var (start, count) in _batch.Runs(PromptTokens))
        {
            var length = _batch.Length(start);
            var (ids, features) = (new long[count * length], new long[count * length]);
            _batch.Write(start, count, ids, features);
            int[] last = [.. Enumerable.Range(start, count).Select(place => _batch.Length(place) - 1)];
            (string, Array, long[])[] inputs =
            [
                (ChatNames.PastLengths, last, [count]), (ChatNames.TotalLength, new[] { length }, []), (CaptionerNames.Ids, ids, [count, length]),
                (ChatNames.Features, _features, [_features.Length / _text.HiddenSize, _text.HiddenSize]), (ChatNames.FeatureRows, features, [count, length]),
            ];
            Run(_prompt, start, count, inputs);
            for (var i = 0; i < count; i++)
                _lengths[start + i] = last[i] + 1;
        }

        return prompts.Longest;
    }

    public void Step(ReadOnlySpan<int> tokens)
    {
        var ids = new long[_places.All];
        for (var row = 0; row < tokens.Length; row++)
            ids[_places[row]] = tokens[row];
        (string, Array, long[])[] inputs =
            [(ChatNames.PastLengths, _lengths, [ids.Length]), (ChatNames.TotalLength, new[] { Capacity }, []), (CaptionerNames.Ids, ids, [ids.Length, 1])];
        Run(_step, 0, ids.Length, inputs);
        for (var row = 0; row < tokens.Length; row++)
            _lengths[_places[row]]++;
    }

    public Span<float> Logits(int row, int rows)
    {
        var logits = new float[rows * _text.Vocabulary];
        for (var i = 0; i < rows; i++)
            _logits.AsSpan(_places[row + i] * Columns, _text.Vocabulary).CopyTo(logits.AsSpan(i * _text.Vocabulary));
        return logits;
    }

    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        foreach (var (from, to) in _places.Arrange(parents))
        {
            foreach (var (name, row) in Tensors())
                _cache[name].AsSpan(from * row, row).CopyTo(_cache[name].AsSpan(to * row));
            _lengths[to] = _lengths[from];
        }
    }

    public void Dispose()
    {
        _prompt.Dispose();
        _step.Dispose();
    }

    private IEnumerable<(string Name, int Row)> Tensors() => _text.Layers.SelectMany((layer, i) =>
        new[] { CaptionerNames.PastKey(i), CaptionerNames.PastValue(i) }.Select(name => (name, layer.KeyHeads * Capacity * HeadSize(layer))));

    private static int HeadSize(LlamaLayer layer) => RotaryPacking.PaddedSize(layer);

    private void Run(GraphRun graph, int start, int count, (string, Array, long[])[] inputs)
    {
        var cache = Tensors().Select((tensor, i) => (
            tensor.Name, (Array)_cache[tensor.Name].AsSpan(start * tensor.Row, count * tensor.Row).ToArray(),
            new long[] { count, _text.Layers[i / 2].KeyHeads, Capacity, HeadSize(_text.Layers[i / 2]) }));
        graph.Run([.. inputs, .. cache]);
        foreach (var (name, row) in Tensors())
            graph.Floats[name.Replace("past", "present", StringComparison.Ordinal)].CopyTo(_cache[name], start * row);
        graph.Floats[CaptionerNames.Logits].CopyTo(_logits, start * Columns);
        var lengths = (int[])inputs[0].Item2;
        Assert.Equal(lengths.Select(length => length + 1L), graph.Integers[ChatNames.NextLengths]);
        for (var i = 0; i < count; i++)
            CheckChoice(_logits.AsSpan((start + i) * Columns, Columns), (int)graph.Integers[CaptionerNames.NextIds][i], graph.Floats[CaptionerNames.LogProbability][i]);
    }

    // What a step on the GPU goes on with is what the host would choose.
    private static void CheckChoice(Span<float> logits, int token, float logProbability)
    {
        var best = VectorMath.ArgMax(logits, out var maximum);
        Assert.Equal(best, token);
        Assert.Equal(-VectorMath.LogSumExp(logits, maximum), logProbability, 1e-4);
    }
}
