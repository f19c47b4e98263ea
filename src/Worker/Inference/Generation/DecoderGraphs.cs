using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>
/// A text decoder with cross attention and a key-value cache: one merged graph or a pair (first step, further steps). Knows the graphs'
/// names and shapes; a <see cref="DecoderRun"/> holds a batch's state.
/// </summary>
internal sealed class DecoderGraphs : IDisposable
{
    private const string Past = "past_key_values.";
    private const string Present = "present.";
    private static readonly string[] Known = [Names.Ids, Names.Hidden, Names.HiddenMask, Names.Mask, Names.Positions, Names.UseCache];
    private readonly Lock _gate = new();
    private bool? _sharesImage;

    /// <summary>Takes over the sessions.</summary>
    /// <param name="first">The graph of the first step.</param>
    /// <param name="next">The graph of the further steps: the same one if merged.</param>
    /// <param name="sharesImage">Whether rows can share one image's hidden states; null finds out.</param>
    /// <exception cref="InvalidDataException">The graphs are not of a layout known here.</exception>
    public DecoderGraphs(OnnxSession first, OnnxSession next, bool? sharesImage = null)
    {
        First = first;
        Next = next;
        _sharesImage = sharesImage;
        Cache = [.. next.Inputs.Keys.Where(IsPast).Select(name => Describe(next, name))];
        if (Cache.Count == 0)
            throw new InvalidDataException($"{next.Name} has no {Past}* inputs: a decoder without a cache is not supported");
        foreach (var session in new[] { first, next })
            session.Expect(name => IsPast(name) || Known.Contains(name));
        FirstStep = Step(first, true);
        NextStep = Step(next, false);
        IdType = next.InputType(Names.Ids, TensorElementType.Int64, TensorElementType.Int32);
        if (first.InputType(Names.Ids, TensorElementType.Int64, TensorElementType.Int32) != IdType)
            throw new InvalidDataException($"{first.Name} and {next.Name} take token ids of different types");
        HiddenType = first.InputType(Names.Hidden, TensorElementType.Float);
        foreach (var session in new[] { first, next })
            session.FloatOutput(Names.Logits);
        HiddenSize = first.Inputs[Names.Hidden].Dimensions[^1];
        Vocabulary = next.Outputs[Names.Logits].Dimensions[^1] is > 0 and var size ? size
            : throw new InvalidDataException($"{next.Name} does not say how many logits it gives");
    }

    /// <summary>The graph of the first step.</summary>
    public OnnxSession First { get; }

    /// <summary>The graph of the further steps.</summary>
    public OnnxSession Next { get; }

    /// <summary>The cache's tensors.</summary>
    public IReadOnlyList<CacheTensor> Cache { get; }

    /// <summary>Names in the order they are fed in the first step.</summary>
    public StepNames FirstStep { get; }

    /// <summary>Names in the order they are fed afterwards.</summary>
    public StepNames NextStep { get; }

    /// <summary>Type of token ids, masks and positions.</summary>
    public TensorElementType IdType { get; }

    /// <summary>Type of the encoder's hidden states.</summary>
    public TensorElementType HiddenType { get; }

    /// <summary>Floats a position of the encoder's hidden states; -1 where the graph does not say.</summary>
    public int HiddenSize { get; }

    /// <summary>Logits a position.</summary>
    public int Vocabulary { get; }

    /// <summary>Whether several rows can share one image's hidden states; tried out once, on the first question.</summary>
    public bool CanShareImage(HiddenStates states)
    {
        lock (_gate)
            return _sharesImage ??= ImageSharing.Works(this, states);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        First.Dispose();
        Next.Dispose();
    }

    private static bool IsPast(string name) => name.StartsWith(Past, StringComparison.Ordinal);

    private static CacheTensor Describe(OnnxSession session, string name)
    {
        var input = session.Inputs[name];
        if (input.Dimensions.Length != 4 || input.Dimensions[1] <= 0 || input.Dimensions[3] <= 0)
            throw new InvalidDataException($"input {name} of {session.Name} is not [rows, heads, positions, size] with known heads and size");
        return new CacheTensor(
            name, Present + name[Past.Length..], name.Contains(".encoder.", StringComparison.Ordinal),
            input.Dimensions[1], input.Dimensions[3], input.ElementDataType);
    }

    // The cross-attention tensors come from the first step alone: a merged graph's further steps give dummies.
    private StepNames Step(OnnxSession session, bool first)
    {
        var missing = Cache.Where(cache => (first || !cache.Cross) && !session.Outputs.ContainsKey(cache.Output)).Select(cache => cache.Output).ToList();
        if (missing.Count > 0)
            throw new InvalidDataException($"{session.Name} lacks the outputs {string.Join(", ", missing)}");
        return new StepNames(
            [.. Known.Where(session.Inputs.ContainsKey)],
            [.. Known.Where(session.Inputs.ContainsKey), .. Cache.Select(cache => cache.Input).Where(session.Inputs.ContainsKey)],
            [Names.Logits, .. Cache.Where(cache => first || !cache.Cross).Select(cache => cache.Output)]);
    }

    /// <summary>Names in the exports of Optimum and of transformers.js.</summary>
    public static class Names
    {
        public const string Ids = "input_ids";
        public const string Hidden = "encoder_hidden_states";
        public const string HiddenMask = "encoder_attention_mask";
        public const string Mask = "attention_mask";
        public const string Positions = "position_ids";
        public const string UseCache = "use_cache_branch";
        public const string Logits = "logits";
    }
}

/// <summary>One tensor of the cache, [rows, heads, positions, size].</summary>
/// <param name="Input">Its name going in.</param>
/// <param name="Output">Its name coming out.</param>
/// <param name="Cross">Keys or values of the image: computed once, never growing.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Size">Elements a head.</param>
/// <param name="Type">Element type; the bytes are only moved here.</param>
internal sealed record CacheTensor(string Input, string Output, bool Cross, int Heads, int Size, TensorElementType Type)
{
    /// <summary>Positions, where the graph says so; else 0.</summary>
    public int Positions { get; init; }

    /// <summary>Bytes of a row at some number of positions.</summary>
    public long RowBytes(int positions) => OnnxSession.SizeOf(Type) * Heads * Size * positions;
}

/// <summary>What a step feeds and wants.</summary>
/// <param name="Plain">Inputs other than the cache, of those that the graph declares.</param>
/// <param name="Inputs">All inputs, the cache last.</param>
/// <param name="Outputs">The logits, then the cache.</param>
internal sealed record StepNames(string[] Plain, string[] Inputs, string[] Outputs)
{
    /// <summary>Whether the cache goes in.</summary>
    public bool TakesCache => Inputs.Length > Plain.Length;
}
