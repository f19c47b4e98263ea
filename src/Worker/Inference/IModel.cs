using VlWorker.Contracts;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference;

/// <summary>A model: a family's way from inputs to results, on one device. The copies of several devices share alias and revision.</summary>
/// <remarks>
/// Disposing of it frees its graphs and all native memory. What plans requests, everything but running, goes on answering after it: a
/// request for a model that is loaded on demand is planned before the model is there.
/// </remarks>
internal interface IModel : IDisposable
{
    /// <summary>Whether it can run now: a model that is loaded on demand may not be in memory.</summary>
    bool IsLoaded => true;

    /// <summary>Alias and revision.</summary>
    ModelReference Reference { get; }

    /// <summary>The tasks it can do for images, of <see cref="Contracts.Tasks"/>.</summary>
    IReadOnlyList<string> Tasks { get; }

    /// <summary>Whether it embeds texts.</summary>
    bool EmbedsText { get; }

    /// <summary>Whether it takes a prompt: a text that conditions what it generates, or a question.</summary>
    bool TakesPrompt { get; }

    /// <summary>How likeness of images and texts becomes scores of labels; null where nothing says it, and nothing can be classified.</summary>
    Similarity? Similarity => null;

    /// <summary>How it wants its images; null where it takes none.</summary>
    PreprocessorConfig? Images { get; }

    /// <summary>Images that a row may be about.</summary>
    int MaxImages => 1;

    /// <summary>What the model is asked for a task where a request has no prompt; null where nothing.</summary>
    string? DefaultPrompt(string task) => null;

    /// <summary>The effective parameters of a generation: the request's over the model's defaults. Null for models that don't generate.</summary>
    /// <exception cref="Failures.RejectedException">The parameters don't fit the model (bad-request).</exception>
    GenerationParameters? Resolve(GenerationOptions? options);

    /// <summary>Looks at a task's prompt before the image is fetched; null stands for none.</summary>
    /// <exception cref="Failures.RejectedException">The model can't make sense of it (bad-request).</exception>
    void CheckPrompt(string task, string? prompt)
    {
    }

    /// <summary>The tokens of a text, cut to the model's context length.</summary>
    /// <exception cref="Failures.RejectedException">The model does not embed texts (unsupported-task).</exception>
    TokenizedText Tokenize(string text) =>
        throw new Failures.RejectedException(RejectionReason.UnsupportedTask, $"model {Reference.Alias} does not embed texts");

    /// <summary>Rows with equal keys may share a batch.</summary>
    BatchKey KeyOf(InferenceInput input);

    /// <summary>Runs a batch, called from any thread, several at a time. Inputs stay the caller's.</summary>
    /// <returns>One outcome a row, in order: a row's own failure is an outcome, not an exception.</returns>
    /// <exception cref="Failures.OutOfDeviceMemoryException">The batch does not fit; the caller tries with fewer rows.</exception>
    /// <exception cref="Failures.DeviceLostException">The device is lost to this process.</exception>
    IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, CancellationToken cancellation);

    /// <summary>Whether rows may join its running batches.</summary>
    bool TakesMore => false;

    /// <summary>Runs a batch that rows may join where <see cref="TakesMore"/>; each row is told its outcome as soon as that is known.</summary>
    /// <param name="rows">The rows that it begins with.</param>
    /// <param name="more">Gives those that join; null where none may.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>One outcome a row, in the order in which they came: those that joined behind the others.</returns>
    /// <inheritdoc cref="Run(IReadOnlyList{InferenceInput}, CancellationToken)" path="/exception"/>
    IReadOnlyList<InferenceOutcome> Run(IReadOnlyList<InferenceInput> rows, IRowSource? more, CancellationToken cancellation) =>
        Run(rows, cancellation);
}

/// <summary>Rows of one batch agree in all of this; every other parameter is a row's own.</summary>
/// <param name="Model">The model's alias: any device that has a copy of it may run the batch.</param>
/// <param name="Kind">Image or text tower.</param>
/// <param name="Beams">Number of beams, 1 for greedy search and for embeddings.</param>
/// <param name="Shape">A family's own mark for input shapes that can't be mixed; 0 where they can.</param>
internal readonly record struct BatchKey(string Model, InputKind Kind, int Beams, int Shape);

/// <summary>What goes into a model.</summary>
internal enum InputKind
{
    /// <summary>Pixels.</summary>
    Image,

    /// <summary>Tokens.</summary>
    Text,
}

/// <summary>A tokenised text.</summary>
/// <param name="Ids">Token ids, special tokens included.</param>
/// <param name="Truncated">Whether the text was longer than the model's context.</param>
internal sealed record TokenizedText(int[] Ids, bool Truncated);
