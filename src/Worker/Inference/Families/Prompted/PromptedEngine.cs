using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;

namespace VlWorker.Inference.Families.Prompted;

/// <summary>An encoder of image and prompt and its decoder, on a device: rows in, found sequences out. Called from several threads at a time.</summary>
internal abstract class PromptedEngine : IDisposable
{
    /// <summary>Tokens that the decoder knows.</summary>
    public abstract int Vocabulary { get; }

    /// <summary>Positions that an image takes in front of its prompt; 0 where the encoder's states are the prompt's alone.</summary>
    public abstract int ImagePositions { get; }

    /// <summary>Generates for images of one size, each with a prompt of its own.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="results">Receives each row's sequences, or its failure.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    public abstract void Run(ReadOnlySpan<PromptedRow> rows, Span<RowResult> results, CancellationToken cancellation);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>The way from image and prompt to the search. How they go in is the graphs' own.</summary>
/// <typeparam name="TRun">The decoder's state of one batch.</typeparam>
/// <param name="graphs">Disposed of with this.</param>
/// <param name="tokens">What every sequence starts and ends with.</param>
/// <param name="newRun">Makes the state of a stream's batches.</param>
internal abstract class PromptedEngine<TRun>(IReadOnlyList<IDisposable> graphs, GenerationTokens tokens, Func<TRun> newRun) : PromptedEngine
    where TRun : IDecoderRun
{
    private readonly Generator _generator = new(tokens);
    private readonly ObjectPool<PromptedWorkspace<TRun>> _workspaces = new(() => new PromptedWorkspace<TRun>(newRun()));

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<PromptedRow> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        var (images, places) = (new DistinctImages(), new int[rows.Length]);
        var (prompts, requests) = (new int[rows.Length][], new RowRequest[rows.Length]);
        for (var i = 0; i < rows.Length; i++)
            (places[i], prompts[i], requests[i]) = (images.Add(rows[i].Pixels), rows[i].Prompt, rows[i].Request);
        var workspace = _workspaces.Rent();
        try
        {
            EncodeImages([.. images.Images], workspace, cancellation);
            // Shorter rows are padded behind their prompts.
            var states = new HiddenStates(rows.Length, ImagePositions + prompts.Max(static prompt => prompt.Length), Width)
            {
                Lengths = [.. prompts.Select(prompt => ImagePositions + prompt.Length)],
            };
            Encode(places, prompts, states, workspace, cancellation);
            _generator.Run(workspace.Decoder, states, requests, results, cancellation);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _workspaces.Dispose();
        foreach (var graph in graphs)
            graph.Dispose();
    }

    /// <summary>Floats of a position's state.</summary>
    protected abstract int Width { get; }

    /// <summary>Runs the image tower.</summary>
    /// <param name="images">One or more, of one size.</param>
    /// <param name="workspace">Receives their tokens.</param>
    /// <param name="cancellation">Looked at between runs.</param>
    protected abstract void EncodeImages(ReadOnlySpan<PreparedPixels> images, PromptedWorkspace<TRun> workspace, CancellationToken cancellation);

    /// <summary>Runs the text encoder over the images' tokens and the prompts. A row at a time: then none changes what another is rounded to.</summary>
    /// <param name="images">For each row its image's place among those that were encoded.</param>
    /// <param name="prompts">For each row its prompt.</param>
    /// <param name="states">The shape of what the decoder looks at.</param>
    /// <param name="workspace">Has the images' tokens; its decoder receives what it needs.</param>
    /// <param name="cancellation">Looked at between runs.</param>
    protected abstract void Encode(int[] images, int[][] prompts, HiddenStates states, PromptedWorkspace<TRun> workspace, CancellationToken cancellation);
}

/// <summary>The memory of one stream.</summary>
internal sealed class PromptedWorkspace<TRun>(TRun decoder) : IDisposable
    where TRun : IDecoderRun
{
    /// <summary>The image tower's input.</summary>
    public TensorBuffer Pixels { get; } = new();

    /// <summary>The images' tokens, [images, tokens, width].</summary>
    public TensorBuffer Features { get; } = new();

    /// <summary>A prompt's ids, or all prompts'.</summary>
    public TensorBuffer Ids { get; } = new();

    /// <summary>The prompts' embeddings, where a graph of its own makes them.</summary>
    public TensorBuffer Embeddings { get; } = new();

    /// <summary>The encoder's input.</summary>
    public TensorBuffer Input { get; } = new();

    /// <summary>The encoder's mask.</summary>
    public TensorBuffer Mask { get; } = new();

    /// <summary>The decoder's state.</summary>
    public TRun Decoder { get; } = decoder;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in new[] { Pixels, Features, Ids, Embeddings, Input, Mask })
            buffer.Dispose();
        Decoder.Dispose();
    }
}
