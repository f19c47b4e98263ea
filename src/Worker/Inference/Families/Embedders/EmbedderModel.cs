using System.Numerics.Tensors;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Families.Embedders.Cuda;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Embedders;

/// <summary>Embeddings of images, and of texts in the same space where the model has a text tower.</summary>
internal sealed class EmbedderModel : IModel
{
    private readonly IEmbeddingEngine _engine;
    private readonly HubTokenizer? _tokenizer;
    private readonly int _contextLength;

    private EmbedderModel(
        ModelReference reference, PreprocessorConfig images, IEmbeddingEngine engine, HubTokenizer? tokenizer, int contextLength,
        Similarity? similarity)
    {
        (Reference, Images, _engine, _tokenizer, _contextLength, Similarity) = (reference, images, engine, tokenizer, contextLength, similarity);
        Tasks = similarity is null || tokenizer is null ? [Contracts.Tasks.Embedding] : [Contracts.Tasks.Embedding, Contracts.Tasks.Classify];
    }

    /// <inheritdoc/>
    public ModelReference Reference { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Tasks { get; }

    /// <inheritdoc/>
    public bool EmbedsText => _tokenizer is not null;

    /// <inheritdoc/>
    public bool TakesPrompt => false;

    /// <inheritdoc/>
    public PreprocessorConfig Images { get; }

    /// <inheritdoc/>
    public Similarity? Similarity { get; }

    /// <summary>Loads the model's graphs.</summary>
    public static EmbedderModel Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        var family = EmbedderFamily.Of(folder.Family);
        var tokenizer = family.TextOutput is null ? null : HubTokenizer.Load(folder.Path);
        var padding = family.PaddingOf(folder.Config, tokenizer);
        var engine = Engines.Choose<IEmbeddingEngine>(
            folder,
            device,
            () => ExportedEmbeddingEngine.Load(folder, family, padding, images, options),
            () => CpuEmbeddingEngine.Load(folder, padding, options),
            () => CudaEmbeddingEngine.Load(EmbeddingGraphs.Of(folder, images, padding), CudaSettings.For(device)));
        try
        {
            // What does not fit together is found at start-up, not by the first image.
            engine.Check(images.Resize);
            return new EmbedderModel(reference, images, engine, tokenizer, family.ContextOf(folder.Config), Similarity.Of(folder));
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
        if (_tokenizer is null)
            throw new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} embeds no texts");
        var ids = _tokenizer.Encode(text, true);
        // The end token stays last: it is where the tower pools.
        return ids.Length <= _contextLength ? new TokenizedText(ids, false) : new TokenizedText([.. ids.AsSpan(0, _contextLength - 1), ids[^1]], true);
    }

    /// <inheritdoc/>
    public BatchKey KeyOf(InferenceInput input) => input is ImageInput image
        ? new BatchKey(Reference.Alias, InputKind.Image, 1, Images.Resize.Grid is null ? (image.Pixels.Width << 16) | image.Pixels.Height : 0)
        : new BatchKey(Reference.Alias, InputKind.Text, 1, 0);

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) =>
        RowGroups.Run(rows, static row => row, KeyOf, (part, target) =>
        {
            if (part[0] is ImageInput)
                RunImages(part, target, cancellation);
            else
                RunTexts(part, target);
        });

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    private void RunImages(ReadOnlySpan<InferenceInput> rows, Span<InferenceOutcome> outcomes, CancellationToken cancellation)
    {
        var images = new PreparedPixels[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            images[i] = ((ImageInput)rows[i]).Pixels;
        var results = new InferenceOutcome[rows.Length];
        _engine.EncodeImages(images, (values, size) => Embed(values, size, results), cancellation);
        results.CopyTo(outcomes);
    }

    private void RunTexts(ReadOnlySpan<InferenceInput> rows, Span<InferenceOutcome> outcomes)
    {
        var texts = new int[rows.Length][];
        for (var i = 0; i < rows.Length; i++)
            texts[i] = ((TextInput)rows[i]).Text.Ids;
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
