using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.VisionEncoderDecoder;

/// <summary>Captions by an image encoder and a text decoder with cross attention, as ViT with GPT-2.</summary>
internal sealed class VisionEncoderDecoderModel : IModel
{
    // Measured: an image at a time keeps the encoder's activations in the processor's cache.
    private const int EncoderChunk = 1;

    private readonly ImageEncoder _encoder;
    private readonly DecoderGraphs _decoder;
    private readonly Generator _generator;
    private readonly GenerationDefaults _defaults;
    private readonly HubTokenizer _tokenizer;
    private readonly ObjectPool<Workspace> _workspaces;

    private VisionEncoderDecoderModel(
        ModelReference reference, PreprocessorConfig images, ImageEncoder encoder, DecoderGraphs decoder, GenerationTokens tokens,
        GenerationDefaults defaults, HubTokenizer tokenizer)
    {
        (Reference, Images, _encoder, _decoder, _defaults, _tokenizer) = (reference, images, encoder, decoder, defaults, tokenizer);
        _generator = new Generator(tokens);
        _workspaces = new ObjectPool<Workspace>(() => new Workspace(decoder));
    }

    /// <inheritdoc/>
    public ModelReference Reference { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Tasks { get; } = [Contracts.Tasks.Caption];

    /// <inheritdoc/>
    public bool EmbedsText => false;

    /// <inheritdoc/>
    public bool TakesPrompt => false;

    /// <inheritdoc/>
    public PreprocessorConfig Images { get; }

    /// <summary>Loads the model's graphs.</summary>
    public static VisionEncoderDecoderModel Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options)
    {
        var generation = GenerationConfig.Load(folder);
        var start = generation.StartToken ?? folder.Config.Int32("decoder_start_token_id")
            ?? throw new InvalidDataException("neither generation_config.json nor config.json says which token the decoder starts with");
        var context = folder.Config.Int32("decoder", "n_positions") ?? folder.Config.Int32("decoder", "max_position_embeddings")
            ?? throw new InvalidDataException("config.json does not say how many positions the decoder has (decoder.n_positions)");
        var tokens = new GenerationTokens([start], generation.EndTokens, generation.ForcedFirstToken, generation.ForcedLastToken);
        var tokenizer = HubTokenizer.Load(folder.Path);
        using var loaded = new LoadedGraphs(folder, options);
        var encoder = new ImageEncoder(loaded.Load(ModelFamily.Graphs.Encoder), images, EncoderChunk, "last_hidden_state");
        var merged = folder.Graphs.ContainsKey(ModelFamily.Graphs.DecoderMerged);
        var first = loaded.Load(merged ? ModelFamily.Graphs.DecoderMerged : ModelFamily.Graphs.Decoder);
        var decoder = new DecoderGraphs(first, merged ? first : loaded.Load(ModelFamily.Graphs.DecoderWithPast));
        Check(encoder, decoder, tokens, images.Resize);
        loaded.HandOver();
        return new VisionEncoderDecoderModel(
            reference, images, encoder, decoder, tokens, new GenerationDefaults(generation, tokens.PromptLength, context), tokenizer);
    }

    /// <inheritdoc/>
    public GenerationParameters Resolve(GenerationOptions? options) => _defaults.Resolve(options);

    /// <inheritdoc/>
    public TokenizedText Tokenize(string text) =>
        throw new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} does not embed texts");

    /// <inheritdoc/>
    public BatchKey KeyOf(InferenceInput input) => input is ImageInput image
        ? new BatchKey(this, InputKind.Image, image.Generation?.NumBeams ?? 1, (image.Pixels.Width << 16) | image.Pixels.Height)
        : new BatchKey(this, InputKind.Text, 1, 0);

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation)
    {
        var outcomes = new InferenceOutcome[rows.Count];
        var runnable = new List<int>(rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            if (Refuse(rows[i]) is { } error)
                outcomes[i] = new FailedOutcome(error);
            else
                runnable.Add(i);
        }

        foreach (var group in runnable.GroupBy(i => KeyOf(rows[i])))
        {
            int[] places = [.. group];
            var results = new InferenceOutcome[places.Length];
            ImageInput[] inputs = [.. places.Select(i => (ImageInput)rows[i])];
            RowIsolation.Run<ImageInput>(inputs, results, (part, target) => RunBatch(part, target, cancellation));
            for (var i = 0; i < places.Length; i++)
                outcomes[places[i]] = results[i];
        }

        return outcomes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _workspaces.Dispose();
        _encoder.Dispose();
        _decoder.Dispose();
    }

    // What does not fit together is found at start-up, not by the first image.
    private static void Check(ImageEncoder encoder, DecoderGraphs decoder, GenerationTokens tokens, ResizePlan plan)
    {
        var strange = tokens.All.Where(token => token < 0 || token >= decoder.Vocabulary).ToList();
        if (strange.Count > 0)
            throw new InvalidDataException($"tokens {string.Join(", ", strange)} of the generation settings are outside the vocabulary of {decoder.Vocabulary}");
        if (encoder.FixedShape(plan) is not { } shape)
            return;
        if (shape.Length != 2 || (decoder.HiddenSize > 0 && decoder.HiddenSize != shape[1]))
            throw new InvalidDataException($"the encoder gives [{string.Join(", ", shape)}] an image, the decoder takes [positions, {decoder.HiddenSize}]");
    }

    private RejectedException? Refuse(InferenceInput row)
    {
        if (row is not ImageInput image || image.Task != Contracts.Tasks.Caption)
            return new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} captions images and nothing else");
        if (image.Generation is not { } parameters)
            return new RejectedException(RejectionReason.BadRequest, "generation parameters are missing");
        try
        {
            _defaults.Validate(parameters);
            return null;
        }
        catch (RejectedException error)
        {
            return error;
        }
    }

    private void RunBatch(ReadOnlySpan<ImageInput> rows, Span<InferenceOutcome> outcomes, CancellationToken cancellation)
    {
        var images = new PreparedPixels[rows.Length];
        var parameters = new GenerationParameters[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            (images[i], parameters[i]) = (rows[i].Pixels, rows[i].Generation!);
        var results = new RowResult[rows.Length];
        var workspace = _workspaces.Rent();
        try
        {
            var shape = _encoder.ShapeOf(images[0].Width, images[0].Height);
            _encoder.Encode(images, workspace.Pixels, workspace.Decoder.Hidden, cancellation);
            var states = new HiddenStates(images.Length, (int)shape[0], (int)shape[1]);
            _generator.Run(workspace.Decoder, states, parameters, results, cancellation);
        }
        finally
        {
            _workspaces.Return(workspace);
        }

        for (var i = 0; i < rows.Length; i++)
            outcomes[i] = results[i].Error is { } error ? new FailedOutcome(error) : Caption(results[i].Sequences);
    }

    private CaptionOutcome Caption(IReadOnlyList<FoundSequence> found)
    {
        var sequences = new GeneratedSequence[found.Count];
        for (var i = 0; i < sequences.Length; i++)
        {
            var tokens = found[i].Tokens;
            sequences[i] = new GeneratedSequence(tokens, _tokenizer.Decode(tokens, true), found[i].Score, tokens.Length - 1);
        }

        return new CaptionOutcome(sequences);
    }

    /// <summary>The memory of one stream.</summary>
    private sealed class Workspace(DecoderGraphs graphs) : IDisposable
    {
        public TensorBuffer Pixels { get; } = new();

        public DecoderRun Decoder { get; } = new(graphs);

        public void Dispose()
        {
            Pixels.Dispose();
            Decoder.Dispose();
        }
    }
}
