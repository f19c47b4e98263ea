using VlWorker.Decoding;
using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Bench.Gpu.Families;

/// <summary>A model of random weights and what it is asked.</summary>
/// <param name="Name">As bench/peers/transformers/families.py names it.</param>
/// <param name="Side">Pixels of the square image.</param>
/// <param name="Tokens">Tokens that are generated.</param>
/// <param name="Prompt">Prompt of the reference; null where it makes its own.</param>
/// <param name="Beams">Rows of an image.</param>
/// <param name="Ngram">Tokens in a row that must not repeat; 0 is off.</param>
/// <param name="Load">Loads the checkpoint in a folder for a GPU.</param>
internal sealed record FamilyCase(
    string Name, int Side, int Tokens, int[]? Prompt, int Beams, int Ngram, Func<string, CudaSettings, FamilyCase, FamilyEngine> Load)
{
    /// <summary>Frames that an image has.</summary>
    public int Frames { get; init; } = 1;

    /// <summary>Images of a batch at most.</summary>
    public int Most { get; init; } = int.MaxValue;

    /// <summary>For a reader.</summary>
    public string Title => Beams == 1 ? $"{Name}, {(Frames > 1 ? $"{Frames} frames an image, " : string.Empty)}greedy, {Tokens} tokens" : $"{Name}, {Beams} beams, {Tokens} tokens{(Ngram > 0 ? $", no {Ngram} tokens twice" : string.Empty)}";

    /// <summary>Parameters of a search without an early end.</summary>
    public GenerationParameters Parameters => new(1 + Tokens, 0, Beams, 1, EarlyStopping.Always, Ngram, 1, 1);

    /// <summary>What the reference is asked.</summary>
    public object Request(string pixels, int count, int batch, bool result = false, string precision = "fp16") => new
    {
        model = Name,
        batch,
        tokens = Tokens,
        prompt = Prompt,
        beams = Beams,
        ngram = Ngram,
        frames = Frames,
        pixels,
        count,
        precision,
        result,
        runs = batch >= 256 ? 2 : 3,
    };
}

/// <summary>A loaded model.</summary>
/// <param name="Owner">Disposed of with this.</param>
/// <param name="Run">Answers images; the sequences as the engine gives them.</param>
internal sealed record FamilyEngine(IDisposable Owner, Func<PreparedPixels[], IReadOnlyList<FoundSequence>> Run) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Owner.Dispose();

    /// <summary>The best sequence of each row.</summary>
    /// <exception cref="InvalidOperationException">A row failed.</exception>
    public static IReadOnlyList<FoundSequence> Best(RowResult[] results) =>
        [.. results.Select(result => result.Error is null ? result.Sequences[0] : throw new InvalidOperationException("a row failed", result.Error))];
}
