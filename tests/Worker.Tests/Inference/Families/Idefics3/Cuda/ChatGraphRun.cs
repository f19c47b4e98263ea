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

    /// <summary>Positions of a row at most: above what any has, as on a GPU.</summary>
    public const int Capacity = 160;

    private readonly LlamaParameters _text;
    private readonly GraphRun _prompt;
    private readonly GraphRun _step;
    private readonly Dictionary<string, float[]> _cache = [];
    private float[] _logits = [];
    private ChatBatch _batch = new([[0]], 0);
    private RowPlaces _places = new([], 0);

    public ChatGraphRun(LlamaParameters text)
    {
        _text = text;
        _prompt = new GraphRun(ChatCudaGraphs.Prompt(text, ElementType.Float));
        _step = new GraphRun(ChatCudaGraphs.Step(text, ElementType.Float));
    }

    /// <summary>Positions of each place that are in the cache.</summary>
    public int[] Lengths { get; private set; } = [];

    private int Columns => CandidateHead.Columns(_text.Vocabulary);

    /// <summary>Begins with another batch.</summary>
    public void Begin(ChatBatch batch, float[] features, int beams)
    {
        (_batch, _places) = (batch, new RowPlaces(batch.Places, batch.Count * beams));
        Reserve(_places.All);
        Prompts(batch, features, 0);
    }

    /// <summary>Takes memory for as many places.</summary>
    public void Reserve(int places)
    {
        (Lengths, _logits) = (new int[places], new float[places * Columns]);
        foreach (var (name, row) in Tensors())
            _cache[name] = new float[places * row];
    }

    /// <summary>Runs prompts into places from one on.</summary>
    public void Prompts(ChatBatch batch, float[] images, int first)
    {
        foreach (var (start, count) in batch.Runs(PromptTokens))
        {
            var length = batch.Length(start);
            var (ids, features) = (new long[count * length], new long[count * length]);
            batch.Write(start, count, ids, features);
            int[] last = [.. Enumerable.Range(start, count).Select(place => batch.Length(place) - 1)];
            (string, Array, long[])[] inputs =
            [
                (ChatNames.PastLengths, last, [count]), (ChatNames.TotalLength, new[] { length }, []), (CaptionerNames.Ids, ids, [count, length]),
                (ChatNames.Features, images, [images.Length / _text.HiddenSize, _text.HiddenSize]), (ChatNames.FeatureRows, features, [count, length]),
            ];
            Run(_prompt, first + start, count, inputs);
            for (var i = 0; i < count; i++)
                Lengths[first + start + i] = last[i] + 1;
        }
    }

    /// <summary>Runs a token of each of the first places.</summary>
    public void Step(long[] ids)
    {
        (string, Array, long[])[] inputs =
        [
            (ChatNames.PastLengths, Lengths[..ids.Length], [ids.Length]), (ChatNames.TotalLength, new[] { Capacity }, []),
            (CaptionerNames.Ids, ids, [ids.Length, 1]),
        ];
        Run(_step, 0, ids.Length, inputs);
    }

    /// <summary>Copies positions of a place's keys and values to another one.</summary>
    public void Copy(int from, int to, int positions)
    {
        foreach (var ((name, row), layer) in Tensors().Select((tensor, i) => (tensor, _text.Layers[i / 2])))
        {
            for (var head = 0; head < layer.KeyHeads; head++)
            {
                var offset = head * Capacity * HeadSize(layer);
                _cache[name].AsSpan((from * row) + offset, positions * HeadSize(layer)).CopyTo(_cache[name].AsSpan((to * row) + offset));
            }
        }
    }

    /// <summary>A place's logits of the last run.</summary>
    public Span<float> Logits(int place) => _logits.AsSpan(place * Columns, _text.Vocabulary);

    public bool TakesImagesSingly(HiddenStates states) => false;

    public int Start(HiddenStates states, PromptBatch prompts, int width) => prompts.Longest;

    public void Step(ReadOnlySpan<int> tokens)
    {
        var ids = new long[_places.All];
        for (var row = 0; row < tokens.Length; row++)
            ids[_places[row]] = tokens[row];
        Step(ids);
        for (var row = 0; row < tokens.Length; row++)
            Lengths[_places[row]]++;
    }

    public Span<float> Logits(int row, int rows)
    {
        var logits = new float[rows * _text.Vocabulary];
        for (var i = 0; i < rows; i++)
            Logits(_places[row + i]).CopyTo(logits.AsSpan(i * _text.Vocabulary));
        return logits;
    }

    public void Arrange(ReadOnlySpan<int> parents, ReadOnlySpan<int> images)
    {
        foreach (var (from, to) in _places.Arrange(parents))
        {
            Copy(from, to, Capacity);
            Lengths[to] = Lengths[from];
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
