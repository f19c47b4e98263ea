using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Prompted;

/// <summary>What families have in common whose encoder reads an image and a prompt, and whose decoder writes: all but what a prompt may be.</summary>
internal abstract class PromptedModel : IModel
{
    private readonly PromptedEngine _engine;
    private readonly GenerationDefaults _defaults;
    private readonly SequenceTexts _texts;
    private readonly IReadOnlyList<int> _start;

    /// <summary>Takes over the engine.</summary>
    /// <param name="reference">Alias and revision.</param>
    /// <param name="images">How images are prepared.</param>
    /// <param name="engine">The graphs.</param>
    /// <param name="tokens">The model's special tokens.</param>
    /// <param name="generation">Its parameters.</param>
    /// <param name="context">Positions of the encoder, and of the decoder.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <exception cref="InvalidDataException">They do not fit each other; the engine is disposed of then.</exception>
    protected PromptedModel(
        ModelReference reference, PreprocessorConfig images, PromptedEngine engine, GenerationTokens tokens, GenerationConfig generation, int context,
        HubTokenizer tokenizer)
    {
        (Reference, Images, Tokenizer, _engine, _start) = (reference, images, tokenizer, engine, tokens.Prompt);
        (_defaults, _texts) = (new GenerationDefaults(generation, context), new SequenceTexts(tokenizer, withPrompt: true));
        LongestPrompt = context - engine.ImagePositions;
        try
        {
            tokens.CheckVocabulary(engine.Vocabulary);
            if (LongestPrompt <= 0)
                throw new InvalidDataException(
                    $"an image becomes {engine.ImagePositions} tokens, and the context has {context}: there is no room for a prompt");
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
    public abstract IReadOnlyList<string> Tasks { get; }

    /// <inheritdoc/>
    public bool EmbedsText => false;

    /// <inheritdoc/>
    public bool TakesPrompt => true;

    /// <inheritdoc/>
    public PreprocessorConfig Images { get; }

    /// <summary>The model's tokenizer.</summary>
    protected HubTokenizer Tokenizer { get; }

    /// <summary>Tokens of a prompt at most, those around it included.</summary>
    protected int LongestPrompt { get; }

    /// <inheritdoc/>
    public GenerationParameters Resolve(GenerationOptions? options) => _defaults.Resolve(options);

    /// <inheritdoc/>
    public void CheckPrompt(string task, string? prompt) => Prompt(task, prompt);

    /// <inheritdoc/>
    public BatchKey KeyOf(InferenceInput input) => input is ImageInput image
        ? new BatchKey(Reference.Alias, InputKind.Image, image.Generation?.NumBeams ?? 1, 0)
        : new BatchKey(Reference.Alias, InputKind.Text, 1, 0);

    /// <inheritdoc/>
    public IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation) =>
        RowGroups.Run(
            rows, Prepare, static row => row.Request.Parameters.NumBeams, (part, target) => RunBatch(part, target, cancellation),
            static row => row.Request.End!.Known);

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    /// <summary>The tokens of a row's prompt as the encoder reads them. Whatever its words are, they become no special token.</summary>
    /// <param name="task">One of <see cref="Tasks"/>.</param>
    /// <param name="prompt">The request's prompt; null where it has none.</param>
    /// <exception cref="RejectedException">bad-request: it makes no sense, or is longer than the model's context.</exception>
    protected abstract int[] Prompt(string task, string? prompt);

    /// <summary>What becomes of what the model wrote.</summary>
    protected virtual InferenceOutcome Outcome(ImageInput row, RowRequest request, RowResult result) => _texts.Outcome(request, result);

    private PromptedRow Prepare(InferenceInput input)
    {
        if (input is not ImageInput image || !Tasks.Contains(image.Task))
            throw new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} does {string.Join(", ", Tasks)} of images and nothing else");
        var parameters = _defaults.Validated(image.Generation);
        var request = new RowRequest(parameters, _start, StopStrings.Of(parameters, Tokenizer));
        return new PromptedRow(
            image.Pixels, Prompt(image.Task, image.Prompt), request with { End = new RowEnd(image, result => Outcome(image, request, result)) });
    }

    private void RunBatch(ReadOnlySpan<PromptedRow> rows, Span<InferenceOutcome> outcomes, CancellationToken cancellation)
    {
        var results = new RowResult[rows.Length];
        _engine.Run(rows, results, cancellation);
        for (var i = 0; i < rows.Length; i++)
            outcomes[i] = rows[i].Request.End!.Of(results[i]);
    }
}
