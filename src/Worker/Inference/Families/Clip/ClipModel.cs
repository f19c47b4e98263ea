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
    // Measured: an image at a time keeps the encoder's activations in the processor's cache.
    private const int EncoderChunk = 1;

    private readonly ImageEncoder _vision;
    private readonly TextEncoder _text;
    private readonly HubTokenizer _tokenizer;
    private readonly int _contextLength;
    private readonly ObjectPool<Workspace> _workspaces = new(() => new Workspace());

    private ClipModel(ModelReference reference, PreprocessorConfig images, ImageEncoder vision, TextEncoder text, HubTokenizer tokenizer, int contextLength) =>
        (Reference, Images, _vision, _text, _tokenizer, _contextLength) = (reference, images, vision, text, tokenizer, contextLength);

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
    public static ClipModel Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options)
    {
        // Old files keep the text tower's settings apart; 77 is what the family began with.
        var context = folder.Config.Int32("text_config", "max_position_embeddings") ?? folder.Config.Int32("text_config_dict", "max_position_embeddings") ?? 77;
        var tokenizer = HubTokenizer.Load(folder.Path);
        using var loaded = new LoadedGraphs(folder, options);
        var vision = new ImageEncoder(loaded.Load(ModelFamily.Graphs.Vision), images, EncoderChunk, "image_embeds");
        var text = new TextEncoder(loaded.Load(ModelFamily.Graphs.Text), "text_embeds");
        // What does not fit together is found at start-up, not by the first image.
        if (vision.FixedShape(images.Resize) is { } shape && (shape.Length != 1 || shape[0] != text.Size))
            throw new InvalidDataException($"the image tower gives [{string.Join(", ", shape)}] an image, the text tower {text.Size} floats a text");
        loaded.HandOver();
        return new ClipModel(reference, images, vision, text, tokenizer, context);
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
        ? new BatchKey(this, InputKind.Image, 1, (image.Pixels.Width << 16) | image.Pixels.Height)
        : new BatchKey(this, InputKind.Text, 1, 0);

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
    public void Dispose()
    {
        _workspaces.Dispose();
        _vision.Dispose();
        _text.Dispose();
    }

    private void RunImages(ReadOnlySpan<ImageInput> rows, Span<InferenceOutcome> outcomes, CancellationToken cancellation)
    {
        var images = new PreparedPixels[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            images[i] = rows[i].Pixels;
        var workspace = _workspaces.Rent();
        try
        {
            var size = (int)_vision.ShapeOf(images[0].Width, images[0].Height)[0];
            _vision.Encode(images, workspace.Inputs[0], workspace.Results, cancellation);
            Embed(workspace.Results, size, outcomes);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    private void RunTexts(ReadOnlySpan<TextInput> rows, Span<InferenceOutcome> outcomes)
    {
        var texts = new int[rows.Length][];
        for (var i = 0; i < rows.Length; i++)
            texts[i] = rows[i].Text.Ids;
        var workspace = _workspaces.Rent();
        try
        {
            _text.Encode(texts, workspace.Inputs, workspace.Results);
            Embed(workspace.Results, _text.Size, outcomes);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    private static void Embed(TensorBuffer results, int size, Span<InferenceOutcome> outcomes)
    {
        for (var i = 0; i < outcomes.Length; i++)
        {
            var raw = results.Span<float>((long)i * size * sizeof(float), size);
            var length = TensorPrimitives.Norm((ReadOnlySpan<float>)raw);
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

    /// <summary>The memory of one stream.</summary>
    private sealed class Workspace : IDisposable
    {
        public TensorBuffer[] Inputs { get; } = [new(), new(), new()];

        public TensorBuffer Results { get; } = new();

        public void Dispose()
        {
            foreach (var input in Inputs)
                input.Dispose();
            Results.Dispose();
        }
    }
}
