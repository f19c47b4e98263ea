using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Engine;

namespace VlWorker.Inference.Generation;

/// <summary>
/// A text decoder: one merged graph, a pair (first step, further steps), or one graph without a key-value cache; with cross attention or
/// without; over token ids or over embeddings. Knows the graphs' names and shapes; a <see cref="DecoderRun"/> holds a batch's state.
/// </summary>
internal sealed class DecoderGraphs : IDisposable
{
    private const string Past = "past_key_values.";
    private const string Present = "present.";
    private readonly Lock _gate = new();
    private bool? _sharesImage;

    /// <summary>Takes over the sessions.</summary>
    /// <param name="first">The graph of the first step.</param>
    /// <param name="next">The graph of the further steps: the same one if merged, or without a cache.</param>
    /// <param name="sharesImage">Whether rows can share one image's hidden states; null finds out.</param>
    /// <param name="embedder">Makes the embeddings that the graphs take in place of ids; else null.</param>
    /// <exception cref="InvalidDataException">The graphs are not of a layout known here.</exception>
    public DecoderGraphs(OnnxSession first, OnnxSession next, bool? sharesImage = null, TokenEmbedder? embedder = null)
    {
        (First, Next, Embedder) = (first, next, embedder);
        Cache = [.. next.Inputs.Keys.Where(IsPast).Select(name =>
            CacheTensor.Of(next, name, Present + name[Past.Length..], name.Contains(".encoder.", StringComparison.Ordinal)))];
        foreach (var session in new[] { first, next })
            Check(session);
        FirstStep = Step(first, true);
        NextStep = Step(next, false);
        HasCross = first.Inputs.ContainsKey(DecoderNames.Hidden);
        // Keys and values that are cached for each row are not computed again for each beam.
        _sharesImage = HasCross && !Cache.Any(static tensor => tensor.Cross) ? sharesImage : false;
        IdType = embedder?.IdType ?? first.InputType(DecoderNames.Ids, TensorElementType.Int64, TensorElementType.Int32);
        if (embedder is null && next.InputType(DecoderNames.Ids, TensorElementType.Int64, TensorElementType.Int32) != IdType)
            throw new InvalidDataException($"{first.Name} and {next.Name} take token ids of different types");
        HiddenSize = HasCross ? first.Inputs[DecoderNames.Hidden].Dimensions[^1] : -1;
        TellsPadding = new[] { first, next }.All(static session =>
            session.Inputs.ContainsKey(DecoderNames.Mask) && session.Inputs.ContainsKey(DecoderNames.Positions));
        Vocabulary = next.Outputs[DecoderNames.Logits].Dimensions[^1] is > 0 and var size ? size
            : throw new InvalidDataException($"{next.Name} does not say how many logits it gives");
    }

    /// <summary>The graph of the first step.</summary>
    public OnnxSession First { get; }

    /// <summary>The graph of the further steps.</summary>
    public OnnxSession Next { get; }

    /// <summary>Makes the embeddings that the graphs take; null where they take ids.</summary>
    public TokenEmbedder? Embedder { get; }

    /// <summary>The cache's tensors; none where every step runs all tokens again.</summary>
    public IReadOnlyList<CacheTensor> Cache { get; }

    /// <summary>Whether there is a cache.</summary>
    public bool HasCache => Cache.Count > 0;

    /// <summary>Whether the decoder attends to an encoder's states.</summary>
    public bool HasCross { get; }

    /// <summary>Whether prompts of different lengths can be padded: masks and positions go in.</summary>
    public bool TellsPadding { get; }

    /// <summary>Names in the order they are fed in the first step.</summary>
    public StepNames FirstStep { get; }

    /// <summary>Names in the order they are fed afterwards.</summary>
    public StepNames NextStep { get; }

    /// <summary>Type of token ids.</summary>
    public TensorElementType IdType { get; }

    /// <summary>Floats a token's embedding; 0 where ids go in.</summary>
    public int Width => Embedder?.Width ?? 0;

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
        Embedder?.Dispose();
    }

    private static bool IsPast(string name) => name.StartsWith(Past, StringComparison.Ordinal);

    private void Check(OnnxSession session)
    {
        session.Expect(static name => IsPast(name) || DecoderNames.Inputs.Contains(name));
        session.FloatOutput(DecoderNames.Logits);
        foreach (var name in new[] { DecoderNames.Mask, DecoderNames.HiddenMask, DecoderNames.Positions }.Where(session.Inputs.ContainsKey))
            session.InputType(name, TensorElementType.Int64);
        foreach (var name in new[] { DecoderNames.Hidden, DecoderNames.Embeddings }.Where(session.Inputs.ContainsKey))
            session.InputType(name, TensorElementType.Float);
        var embedded = session.Inputs.ContainsKey(DecoderNames.Embeddings);
        if (embedded == session.Inputs.ContainsKey(DecoderNames.Ids))
            throw new InvalidDataException($"{session.Name} does not take one of {DecoderNames.Ids} and {DecoderNames.Embeddings}");
        if (embedded != (Embedder is not null))
        {
            throw new InvalidDataException(
                $"{session.Name} takes {(embedded ? "embeddings, and there is no graph that makes them" : "ids, and not what embed_tokens makes")}");
        }

        if (embedded && !HasCache)
            throw new InvalidDataException($"{session.Name} has no {Past}* inputs: over embeddings, a decoder without a cache is not supported");
    }

    // The cross-attention tensors come from the first step alone: a merged graph's further steps give dummies.
    private StepNames Step(OnnxSession session, bool first)
    {
        var missing = Cache.Where(cache => (first || !cache.Cross) && !session.Outputs.ContainsKey(cache.Output)).Select(cache => cache.Output).ToList();
        if (missing.Count > 0)
            throw new InvalidDataException($"{session.Name} lacks the outputs {string.Join(", ", missing)}");
        string[] plain = [.. DecoderNames.Inputs.Where(session.Inputs.ContainsKey)];
        return new StepNames(
            plain,
            [.. plain, .. Cache.Select(cache => cache.Input).Where(session.Inputs.ContainsKey)],
            [DecoderNames.Logits, .. Cache.Where(cache => first || !cache.Cross).Select(cache => cache.Output)]);
    }
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
