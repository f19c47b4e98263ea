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
    private readonly ICaptionEngine _engine;
    private readonly GenerationDefaults _defaults;
    private readonly HubTokenizer _tokenizer;

    private VisionEncoderDecoderModel(
        ModelReference reference, PreprocessorConfig images, ICaptionEngine engine, GenerationDefaults defaults, HubTokenizer tokenizer) =>
        (Reference, Images, _engine, _defaults, _tokenizer) = (reference, images, engine, defaults, tokenizer);

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
    public static VisionEncoderDecoderModel Load(
        ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        var generation = GenerationConfig.Load(folder);
        var start = generation.StartToken ?? folder.Config.Int32("decoder_start_token_id")
            ?? throw new InvalidDataException("neither generation_config.json nor config.json says which token the decoder starts with");
        var context = folder.Config.Int32("decoder", "n_positions") ?? folder.Config.Int32("decoder", "max_position_embeddings")
            ?? throw new InvalidDataException("config.json does not say how many positions the decoder has (decoder.n_positions)");
        var tokens = new GenerationTokens([start], generation.EndTokens, generation.ForcedFirstToken, generation.ForcedLastToken);
        var tokenizer = HubTokenizer.Load(folder.Path);
        var engine = CaptionEngines.Load(folder, images, tokens, options, device);
        try
        {
            Check(engine, tokens, images.Resize);
            return new VisionEncoderDecoderModel(reference, images, engine, new GenerationDefaults(generation, tokens.PromptLength, context), tokenizer);
        }
        catch (InvalidDataException)
        {
            engine.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public GenerationParameters Resolve(GenerationOptions? options) => _defaults.Resolve(options);

    /// <inheritdoc/>
    public TokenizedText Tokenize(string text) =>
        throw new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} does not embed texts");

    /// <inheritdoc/>
    public BatchKey KeyOf(InferenceInput input) => input is ImageInput image
        ? new BatchKey(Reference.Alias, InputKind.Image, image.Generation?.NumBeams ?? 1, (image.Pixels.Width << 16) | image.Pixels.Height)
        : new BatchKey(Reference.Alias, InputKind.Text, 1, 0);

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
    public void Dispose() => _engine.Dispose();

    // What does not fit together is found at start-up, not by the first image.
    private static void Check(ICaptionEngine engine, GenerationTokens tokens, ResizePlan plan)
    {
        var strange = tokens.All.Where(token => token < 0 || token >= engine.Vocabulary).ToList();
        if (strange.Count > 0)
            throw new InvalidDataException($"tokens {string.Join(", ", strange)} of the generation settings are outside the vocabulary of {engine.Vocabulary}");
        engine.Check(plan);
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
        _engine.Run(images, parameters, results, cancellation);
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
}
