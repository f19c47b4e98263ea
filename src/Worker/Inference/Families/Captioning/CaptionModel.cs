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
        var runnable = new List<Row>(rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            try
            {
                runnable.Add(new Row(i, KeyOf(rows[i]), Pixels(rows[i]), Request(rows[i])));
            }
            catch (RejectedException error)
            {
                outcomes[i] = new FailedOutcome(error);
            }
        }

        foreach (var group in runnable.GroupBy(row => row.Key))
        {
            Row[] batch = [.. group];
            var results = new InferenceOutcome[batch.Length];
            RowIsolation.Run<Row>(batch, results, (part, target) => RunBatch(part, target, cancellation));
            for (var i = 0; i < batch.Length; i++)
                outcomes[batch[i].Place] = results[i];
        }

        return outcomes;
    }

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    /// <summary>The tokens that a row's sequence starts with.</summary>
    /// <param name="prompt">The request's prompt; null where it has none.</param>
    protected abstract IReadOnlyList<int> Prompt(string? prompt);

    // What does not fit together is found at start-up, not by the first image.
    private static void Check(ICaptionEngine engine, GenerationTokens tokens, ResizePlan plan)
    {
        var strange = tokens.All.Where(token => token < 0 || token >= engine.Vocabulary).ToList();
        if (strange.Count > 0)
            throw new InvalidDataException($"tokens {string.Join(", ", strange)} of the generation settings are outside the vocabulary of {engine.Vocabulary}");
        engine.Check(plan);
    }

    private PreparedPixels Pixels(InferenceInput row) => row is ImageInput { Task: Contracts.Tasks.Caption } image
        ? image.Pixels
        : throw new RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} captions images and nothing else");

    private RowRequest Request(InferenceInput row)
    {
        var image = (ImageInput)row;
        if (image.Generation is not { } parameters)
            throw new RejectedException(RejectionReason.BadRequest, "generation parameters are missing");
        _defaults.Validate(parameters);
        var prompt = Prompt(image.Prompt);
        return new RowRequest(_defaults.Fit(parameters, prompt.Count), prompt, StopStrings.Of(parameters, Tokenizer));
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
            outcomes[i] = _texts.Outcome(requests[i], results[i]);
    }

    /// <summary>A row that can run, and its place among those asked for.</summary>
    private readonly record struct Row(int Place, BatchKey Key, PreparedPixels Pixels, RowRequest Request);
}
