using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Families.Idefics3.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Idefics3;

/// <summary>Answers and captions by a decoder whose prompt has an image's features among its tokens: Idefics3, SmolVLM.</summary>
internal sealed class Idefics3Model : IModel
{
    // A sentence or two; the models' files say nothing, and transformers' 20 would cut most answers short.
    private const int NewTokens = 128;

    private readonly IChatEngine _engine;
    private readonly GenerationDefaults _defaults;
    private readonly HubTokenizer _tokenizer;
    private readonly ImagePrompt _prompt;
    private readonly SequenceTexts _texts;
    private readonly string _captionPrompt;
    private readonly bool? _splitting;

    private Idefics3Model(
        ModelReference reference, PreprocessorConfig images, IChatEngine engine, GenerationConfig generation, HubTokenizer tokenizer,
        ImagePrompt prompt, int context, ModelOptions options)
    {
        (Reference, Images, _engine, _tokenizer, _prompt) = (reference, options.ImageSplitting.Apply(images), engine, tokenizer, prompt);
        (_texts, MaxImages) = (new SequenceTexts(tokenizer, withPrompt: false), options.MaxImages);
        (_captionPrompt, _splitting) = (options.CaptionPrompt, Images == images ? null : Images.Resize.Tiling!.Split);
        _defaults = new GenerationDefaults(generation with { MaxNewTokens = generation.MaxNewTokens ?? NewTokens, MaxLength = null }, context);
    }

    /// <inheritdoc/>
    public ModelReference Reference { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Tasks { get; } = [Contracts.Tasks.Caption, Contracts.Tasks.Answer];

    /// <inheritdoc/>
    public bool EmbedsText => false;

    /// <inheritdoc/>
    public bool TakesPrompt => true;

    /// <inheritdoc/>
    public int MaxImages { get; }

    /// <inheritdoc/>
    public PreprocessorConfig Images { get; }

    /// <summary>Loads the model's graphs.</summary>
    public static Idefics3Model Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        var generation = GenerationConfig.Load(folder);
        var context = folder.Config.Int32("text_config", "max_position_embeddings")
            ?? throw new InvalidDataException("config.json does not say how many positions the decoder has (text_config.max_position_embeddings)");
        var tokenizer = HubTokenizer.Load(folder.Path);
        var template = ChatTemplate.Load(folder.Path);
        var imageToken = folder.Config.Int32("image_token_id") ?? throw new InvalidDataException("config.json has no image_token_id");
        var tokens = new GenerationTokens([imageToken], generation.EndTokens, generation.ForcedFirstToken, generation.ForcedLastToken);
        var engine = Engines.Choose<IChatEngine>(
            folder,
            device,
            () => ExportedChatEngine.Load(folder, images, imageToken, tokens, options),
            () => CpuChatEngine.Load(folder, images, imageToken, tokens, options),
            () => CudaChatEngine.Load(
                ChatGraphs.Of(folder, images, imageToken, tokens), CudaSettings.For(device), generation.MaxNewTokens ?? NewTokens));
        try
        {
            var prompt = new ImagePrompt(tokenizer, template, engine.TokensPerFrame);
            Check(engine, tokens, prompt.ImageToken);
            return new Idefics3Model(reference, images, engine, generation, tokenizer, prompt, context, options);
        }
        catch (InvalidDataException)
        {
            engine.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public GenerationParameters Resolve(GenerationOptions? options) => _defaults.Resolve(options) with { ImageSplitting = _splitting };

    /// <inheritdoc/>
    public string? DefaultPrompt(string task) => task == Contracts.Tasks.Caption ? _captionPrompt : null;

    /// <inheritdoc/>
    /// <remarks>What an image adds is not known yet.</remarks>
    public void CheckPrompt(string task, string? prompt) => _defaults.CheckRoom(_prompt.Build(Words(task, prompt)).Length);

    /// <inheritdoc/>
    /// <remarks>Frames are all of one size, and prompts of any length go together.</remarks>
    public BatchKey KeyOf(InferenceInput input) => input is ImageInput image
        ? new BatchKey(Reference.Alias, InputKind.Image, image.Generation?.NumBeams ?? 1, 0)
        : new BatchKey(Reference.Alias, InputKind.Text, 1, 0);

    /// <inheritdoc/>
    public bool TakesMore => _engine.TakesMore;

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) => Run(rows, null, cancellation);

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, IRowSource? more, CancellationToken cancellation)
    {
        var joined = more is null ? null : new JoinedRows<ChatRow>(more, Row, Known);
        // Of a batch that fails, the halves run by themselves.
        Func<int, IReadOnlyList<ChatRow>>? take = joined is null ? null : joined.Take;
        var outcomes = RowGroups.Run(
            rows, Row, static row => row.Request.Parameters.NumBeams,
            (part, target) => RunBatch(part, target, Interlocked.Exchange(ref take, null), cancellation), Known);
        return joined is null ? outcomes : [.. outcomes, .. joined.Finish((part, target) => RunBatch(part, target, null, cancellation))];
    }

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    // What does not fit together is found at start-up, not by the first image.
    private static void Check(IChatEngine engine, GenerationTokens tokens, int imageToken)
    {
        if (tokens.Prompt[0] != imageToken)
            throw new InvalidDataException($"image_token_id in config.json is {tokens.Prompt[0]}, and in the tokenizer it is {imageToken}");
        tokens.CheckVocabulary(engine.Vocabulary);
    }

    private ChatRow Row(InferenceInput input)
    {
        if (input is not ImageInput image || !Tasks.Contains(image.Task))
            throw new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} captions images and answers questions about them");
        var parameters = _defaults.Validated(image.Generation);
        PreparedPixels[] images = [image.Pixels, .. image.More];
        var prompt = _prompt.Build(Words(image.Task, image.Prompt), images);
        parameters = _defaults.Fit(parameters, prompt.Length, images.Sum(static one => one.Frames) * _engine.TokensPerFrame);
        var stop = StopStrings.Of(parameters, _tokenizer);
        var request = new RowRequest(parameters, prompt, stop) { Watch = RowWatch.Of(image.Stream, _tokenizer, stop) };
        return new ChatRow(images, request with { End = new RowEnd(image, result => _texts.Outcome(request, result)) });
    }

    private string Words(string task, string? prompt) => (prompt ?? DefaultPrompt(task)) is { } words && !string.IsNullOrWhiteSpace(words)
        ? words
        : throw new RejectedException(RejectionReason.BadRequest, "the question is empty");

    private static InferenceOutcome? Known(ChatRow row) => row.Request.End!.Known;

    private void RunBatch(
        ReadOnlySpan<ChatRow> rows, Span<InferenceOutcome> outcomes, Func<int, IReadOnlyList<ChatRow>>? more, CancellationToken cancellation)
    {
        var results = new RowResult[rows.Length];
        _engine.Run(rows, results, more, cancellation);
        for (var i = 0; i < rows.Length; i++)
            outcomes[i] = rows[i].Request.End!.Of(results[i]);
    }
}
