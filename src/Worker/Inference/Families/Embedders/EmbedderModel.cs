using System.Numerics.Tensors;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Clip;

/// <summary>Embeddings of images and texts in one space.</summary>
internal sealed class ClipModel : IModel
{
    private readonly IEmbeddingEngine _engine;
    private readonly HubTokenizer _tokenizer;
    private readonly int _contextLength;

    private ClipModel(ModelReference reference, PreprocessorConfig images, IEmbeddingEngine engine, HubTokenizer tokenizer, int contextLength) =>
        (Reference, Images, _engine, _tokenizer, _contextLength) = (reference, images, engine, tokenizer, contextLength);

    /// <inheritdoc/>
    public ModelReference Reference { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Tasks { get; } = [Contracts.Tasks.Embedding];

    /// <inheritdoc/>
    public bool EmbedsText => true;

    /// <inheritdoc/>
    public bool TakesPrompt => false;

    /// <inheritdoc/>
    public PreprocessorConfig Images { get; }

    /// <summary>Loads the model's graphs.</summary>
    public static ClipModel Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        // Old files keep the text tower's settings apart; 77 is what the family began with.
        var context = folder.Config.Int32("text_config", "max_position_embeddings") ?? folder.Config.Int32("text_config_dict", "max_position_embeddings") ?? 77;
        var tokenizer = HubTokenizer.Load(folder.Path);
        var engine = EmbeddingEngines.Load(folder, images, options, device);
        try
        {
            // What does not fit together is found at start-up, not by the first image.
            engine.Check(images.Resize);
            return new ClipModel(reference, images, engine, tokenizer, context);
        }
        catch (InvalidDataException)
        {
            engine.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public GenerationParameters? Resolve(GenerationOptions? options) => null;

    /// <inheritdoc/>
    public TokenizedText Tokenize(string text)
    {
        var ids = _tokenizer.Encode(text, true);
        // The end token stays last: it is where the tower pools.
        return ids.Length <= _contextLength ? new TokenizedText(ids, false) : new TokenizedText([.. ids.AsSpan(0, _contextLength - 1), ids[^1]], true);
    }

    /// <inheritdoc/>
    public BatchKey KeyOf(InferenceInput input) => input is ImageInput image
        ? new BatchKey(Reference.Alias, InputKind.Image, 1, (image.Pixels.Width << 16) | image.Pixels.Height)
        : new BatchKey(Reference.Alias, InputKind.Text, 1, 0);

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation)
    {
        var outcomes = new InferenceOutcome[rows.Count];
        foreach (var group in Enumerable.Range(0, rows.Count).GroupBy(i => KeyOf(rows[i])))
        {
            int[] places = [.. group];
            var results = new InferenceOutcome[places.Length];
            if (group.Key.Kind == InputKind.Image)
                RowIsolation.Run<ImageInput>([.. places.Select(i => (ImageInput)rows[i])], results, (part, target) => RunImages(part, target, cancellation));
            else
                RowIsolation.Run<TextInput>([.. places.Select(i => (TextInput)rows[i])], results, RunTexts);
            for (var i = 0; i < places.Length; i++)
                outcomes[places[i]] = results[i];
        }

        return outcomes;
    }

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    private void RunImages(ReadOnlySpan<ImageInput> rows, Span<InferenceOutcome> outcomes, CancellationToken cancellation)
    {
        var images = new PreparedPixels[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            images[i] = rows[i].Pixels;
        var results = new InferenceOutcome[rows.Length];
        _engine.EncodeImages(images, (values, size) => Embed(values, size, results), cancellation);
        results.CopyTo(outcomes);
    }

    private void RunTexts(ReadOnlySpan<TextInput> rows, Span<InferenceOutcome> outcomes)
    {
        var texts = new int[rows.Length][];
        for (var i = 0; i < rows.Length; i++)
            texts[i] = rows[i].Text.Ids;
        var results = new InferenceOutcome[rows.Length];
        _engine.EncodeTexts(texts, (values, size) => Embed(values, size, results));
        results.CopyTo(outcomes);
    }

    private static void Embed(Span<float> embeddings, int size, InferenceOutcome[] outcomes)
    {
        for (var i = 0; i < outcomes.Length; i++)
        {
            ReadOnlySpan<float> raw = embeddings.Slice(i * size, size);
            var length = TensorPrimitives.Norm(raw);
            if (!float.IsFinite(length) || length == 0)
            {
                outcomes[i] = new FailedOutcome(new TransientException("the model's embedding of this row has no finite length"));
                continue;
            }

            var values = new float[size];
            TensorPrimitives.Divide(raw, length, values);
            outcomes[i] = new EmbeddingOutcome(values);
        }
    }
}
