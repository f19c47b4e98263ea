using VlWorker.Decoding;
using VlWorker.Journal;

namespace VlWorker.Inference;

/// <summary>One row of a batch. Owned by whoever submits it until the batcher has taken it over, then by the batcher.</summary>
internal abstract class InferenceInput : IDisposable
{
    /// <summary>Whose row it is, for the crash journal; null for rows of nobody, as at warm-up.</summary>
    public WorkMark? Mark { get; init; }

    /// <summary>
    /// Told the row's outcome as soon as it is known, which may be before its batch ends: set by whoever runs the batch, called on its thread, once in
    /// a run. Null where nobody waits for it.
    /// </summary>
    public Action<InferenceOutcome>? OnOutcome { get; set; }

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>An image for a model; owns its pixels.</summary>
/// <param name="task">The task asked for.</param>
/// <param name="pixels">The prepared pixels.</param>
/// <param name="generation">Effective parameters, for models that generate.</param>
/// <param name="prompt">The prompt or the question, for models that take one.</param>
internal sealed class ImageInput(string task, PreparedPixels pixels, GenerationParameters? generation, string? prompt = null) : InferenceInput
{
    public string Task { get; } = task;

    public PreparedPixels Pixels { get; } = pixels;

    public GenerationParameters? Generation { get; } = generation;

    public string? Prompt { get; } = prompt;

    /// <summary>Further images that the prompt is about, in order; owned like the first.</summary>
    public IReadOnlyList<PreparedPixels> More { get; init; } = [];

    /// <summary>Pixels of the upright original, for models that tell where things are in it; null takes the prepared pixels for it.</summary>
    public (int Width, int Height)? Original { get; init; }

    /// <summary>Where the text goes while it is generated; null where nobody reads along.</summary>
    public TextStream? Stream { get; init; }

    public override void Dispose()
    {
        Pixels.Dispose();
        foreach (var pixels in More)
            pixels.Dispose();
    }
}

/// <summary>A text for a text encoder.</summary>
internal sealed class TextInput(TokenizedText text) : InferenceInput
{
    public TokenizedText Text { get; } = text;

    public override void Dispose()
    {
    }
}
