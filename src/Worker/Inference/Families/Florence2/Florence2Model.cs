using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Families.Florence2.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>Florence-2: captions, answers and regions, by the words or the task's token that a row's prompt begins with.</summary>
internal sealed class Florence2Model : IModel
{
    private readonly FlorenceEngine _engine;
    private readonly GenerationDefaults _defaults;
    private readonly HubTokenizer _tokenizer;
    private readonly FlorencePrompts _prompts;
    private readonly RegionReader _regions;
    private readonly SequenceTexts _texts;
    private readonly IReadOnlyList<int> _start;

    private Florence2Model(
        ModelReference reference, PreprocessorConfig images, FlorenceEngine engine, GenerationDefaults defaults, GenerationTokens tokens, HubTokenizer tokenizer,
        int context)
    {
        (Reference, Images, _engine, _defaults, _tokenizer) = (reference, images, engine, defaults, tokenizer);
        _prompts = new FlorencePrompts(tokenizer, context - engine.ImageTokens);
        _regions = new RegionReader(tokenizer);
        (_texts, _start) = (new SequenceTexts(tokenizer, withPrompt: true), tokens.Prompt);
    }

    /// <inheritdoc/>
    public ModelReference Reference { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Tasks { get; } = [Contracts.Tasks.Caption, Contracts.Tasks.Answer, Contracts.Tasks.Detect];

    /// <inheritdoc/>
    public bool EmbedsText => false;

    /// <inheritdoc/>
    public bool TakesPrompt => true;

    /// <inheritdoc/>
    public PreprocessorConfig Images { get; }

    /// <summary>Loads the model's graphs.</summary>
    /// <exception cref="InvalidDataException">They, or the files beside them, do not fit each other.</exception>
    /// <exception cref="NotSupportedException">There are no graphs for the device.</exception>
    public static Florence2Model Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        var context = folder.Config.Int32("text_config", "max_position_embeddings") ?? 1024;
        var generation = Defaults(GenerationConfig.Load(folder), context);
        var start = generation.StartToken
            ?? throw new InvalidDataException("neither generation_config.json nor config.json says which token the decoder starts with");
        var tokens = new GenerationTokens([start], generation.EndTokens, generation.ForcedFirstToken, generation.ForcedLastToken);
        var tokenizer = HubTokenizer.Load(folder.Path);
        var engine = Engines.Choose<FlorenceEngine>(
            folder,
            device,
            () => ExportedFlorenceEngine.Load(folder, images, tokens, options),
            () => CpuFlorenceEngine.Load(folder, tokens, options),
            () => Cuda(folder, images, tokens, new FlorencePrompts(tokenizer, context), CudaSettings.For(device), generation, context));
        try
        {
            tokens.CheckVocabulary(engine.Vocabulary);
            if (engine.ImageTokens >= context)
                throw new InvalidDataException(
                    $"an image becomes {engine.ImageTokens} tokens, and the context has {context}: there is no room for a prompt");
            engine.Check(images.Resize);
            return new Florence2Model(reference, images, engine, new GenerationDefaults(generation, context), tokens, tokenizer, context);
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
    public void CheckPrompt(string task, string? prompt) => _prompts.Encode(FlorencePrompt.Of(task, prompt));

    /// <inheritdoc/>
    public BatchKey KeyOf(InferenceInput input) => input is ImageInput image
        ? new BatchKey(Reference.Alias, InputKind.Image, image.Generation?.NumBeams ?? 1, 0)
        : new BatchKey(Reference.Alias, InputKind.Text, 1, 0);

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) =>
        RowGroups.Run(rows, Prepare, static row => row.Request.Parameters.NumBeams, (part, target) => RunBatch(part, target, cancellation));

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    private static CudaFlorenceEngine Cuda(
        ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, FlorencePrompts prompts, CudaSettings settings, GenerationConfig generation,
        int context)
    {
        var vocabulary = folder.Config.Int32("text_config", "vocab_size")
            ?? throw new InvalidDataException("config.json does not say how many tokens there are (text_config.vocab_size)");
        // What most requests ask for.
        var prompt = prompts.Encode(FlorencePrompt.Of(Contracts.Tasks.Caption, null));
        var graphs = FlorenceGraphs.Of(folder, images, tokens, vocabulary, context, prompt.Length);
        var steps = Math.Min(context, generation.MaxNewTokens ?? context);
        return CudaFlorenceEngine.Load(graphs, settings, generation.NumBeams, steps);
    }

    // transformers' own default of 20 tokens would cut lists of boxes: what the context has room for is the bound, as in the model's examples.
    private static GenerationConfig Defaults(GenerationConfig config, int context) =>
        config.MaxLength is null && config.MaxNewTokens is null ? config with { MaxNewTokens = context } : config;

    private PreparedRow Prepare(InferenceInput input)
    {
        if (input is not ImageInput image || !Tasks.Contains(image.Task))
            throw new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} does {string.Join(", ", Tasks)} of images and nothing else");
        var parameters = _defaults.Validated(image.Generation);
        var prompt = FlorencePrompt.Of(image.Task, image.Prompt);
        var request = new RowRequest(parameters, _start, StopStrings.Of(parameters, _tokenizer));
        return new PreparedRow(image, request, prompt.Answer, _prompts.Encode(prompt));
    }

    private void RunBatch(ReadOnlySpan<PreparedRow> rows, Span<InferenceOutcome> outcomes, CancellationToken cancellation)
    {
        var asked = new FlorenceRow[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            asked[i] = new FlorenceRow(rows[i].Image.Pixels, rows[i].Prompt, rows[i].Request);
        var results = new RowResult[rows.Length];
        _engine.Run(asked, results, cancellation);
        for (var i = 0; i < rows.Length; i++)
            outcomes[i] = Outcome(rows[i], results[i]);
    }

    private InferenceOutcome Outcome(PreparedRow row, RowResult result) => row.Answer == FlorenceAnswer.Text || result.Error is not null
        ? _texts.Outcome(row.Request, result)
        : new DetectionOutcome(RegionPixels.Of(_regions.Read(result.Sequences[0].Tokens, row.Answer), row.Image));

    /// <summary>A row that can be run.</summary>
    private sealed record PreparedRow(ImageInput Image, RowRequest Request, FlorenceAnswer Answer, int[] Prompt);
}
