using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Captioning;

/// <summary>What families have in common that caption one image by an encoder and a decoder with cross attention: all but their prompts.</summary>
internal abstract class CaptionModel : IModel
{
    private readonly ICaptionEngine _engine;
    private readonly GenerationDefaults _defaults;
    private readonly SequenceTexts _texts;

    /// <summary>Takes over the engine.</summary>
    /// <param name="reference">Alias and revision.</param>
    /// <param name="images">How images are prepared.</param>
    /// <param name="engine">The graphs.</param>
    /// <param name="tokens">The model's special tokens.</param>
    /// <param name="defaults">Its parameters.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <exception cref="InvalidDataException">They do not fit each other; the engine is disposed of then.</exception>
    protected CaptionModel(
        ModelReference reference, PreprocessorConfig images, ICaptionEngine engine, GenerationTokens tokens, GenerationDefaults defaults,
        HubTokenizer tokenizer)
    {
        (Reference, Images, _engine, _defaults, Tokenizer) = (reference, images, engine, defaults, tokenizer);
        _texts = new SequenceTexts(tokenizer, withPrompt: true);
        try
        {
            Check(engine, tokens, images.Resize);
        }
        catch (InvalidDataException)
        {
            engine.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ModelReference Reference { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Tasks { get; } = [Contracts.Tasks.Caption];

    /// <inheritdoc/>
    public bool EmbedsText => false;

    /// <inheritdoc/>
    public abstract bool TakesPrompt { get; }

    /// <inheritdoc/>
    public PreprocessorConfig Images { get; }

    /// <summary>The model's tokenizer.</summary>
    protected HubTokenizer Tokenizer { get; }

    /// <inheritdoc/>
    public GenerationParameters Resolve(GenerationOptions? options) => _defaults.Resolve(options);

    /// <inheritdoc/>
    public void CheckPrompt(string task, string? prompt) => _defaults.CheckRoom(Prompt(prompt).Count);

    /// <inheritdoc/>
    public BatchKey KeyOf(InferenceInput input) => input is ImageInput image
        ? new BatchKey(Reference.Alias, InputKind.Image, image.Generation?.NumBeams ?? 1, (image.Pixels.Width << 16) | image.Pixels.Height)
        : new BatchKey(Reference.Alias, InputKind.Text, 1, 0);

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) =>
        RowGroups.Run(rows, Prepare, static row => row.Key, (part, target) => RunBatch(part, target, cancellation), static row => row.Request.End!.Known);

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    /// <summary>The tokens that a row's sequence starts with.</summary>
    /// <param name="prompt">The request's prompt; null where it has none.</param>
    protected abstract IReadOnlyList<int> Prompt(string? prompt);

    // What does not fit together is found at start-up, not by the first image.
    private static void Check(ICaptionEngine engine, GenerationTokens tokens, ResizePlan plan)
    {
        tokens.CheckVocabulary(engine.Vocabulary);
        engine.Check(plan);
    }

    private Row Prepare(InferenceInput input)
    {
        if (input is not ImageInput { Task: Contracts.Tasks.Caption } image)
            throw new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} captions images and nothing else");
        var parameters = _defaults.Validated(image.Generation);
        var prompt = Prompt(image.Prompt);
        var request = new RowRequest(_defaults.Fit(parameters, prompt.Count), prompt, StopStrings.Of(parameters, Tokenizer));
        return new Row(KeyOf(image), image.Pixels, request with { End = new RowEnd(image, result => _texts.Outcome(request, result)) });
    }

    private void RunBatch(ReadOnlySpan<Row> rows, Span<InferenceOutcome> outcomes, CancellationToken cancellation)
    {
        var images = new PreparedPixels[rows.Length];
        var requests = new RowRequest[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            (images[i], requests[i]) = (rows[i].Pixels, rows[i].Request);
        var results = new RowResult[rows.Length];
        _engine.Run(images, requests, results, cancellation);
        for (var i = 0; i < rows.Length; i++)
            outcomes[i] = requests[i].End!.Of(results[i]);
    }

    /// <summary>A row that can run.</summary>
    private readonly record struct Row(BatchKey Key, PreparedPixels Pixels, RowRequest Request);
}
