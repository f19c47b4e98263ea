using VlWorker.Decoding;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Captioning;

/// <summary>A captioner on the processor: the streams' memory, and the way from encoder to search. How images go in is the graphs' own.</summary>
/// <typeparam name="TRun">The decoder's state of one batch.</typeparam>
/// <param name="encoder">Disposed of with this.</param>
/// <param name="decoder">Disposed of with this.</param>
/// <param name="generator">Searches.</param>
/// <param name="newRun">Makes the state of a stream's batches.</param>
internal abstract class CaptionEngine<TRun>(IDisposable encoder, IDisposable decoder, Generator generator, Func<TRun> newRun) : ICaptionEngine
    where TRun : IDecoderRun
{
    private readonly ObjectPool<Workspace> _workspaces = new(() => new Workspace(newRun()));

    /// <inheritdoc/>
    public abstract int Vocabulary { get; }

    /// <inheritdoc/>
    public abstract void Check(ResizePlan images);

    /// <inheritdoc/>
    public void Run(
        ReadOnlySpan<PreparedPixels> images, ReadOnlySpan<RowRequest> rows, Span<RowResult> results, CancellationToken cancellation)
    {
        var workspace = _workspaces.Rent();
        try
        {
            var states = Encode(images, workspace.Pixels, workspace.Decoder, cancellation);
            generator.Run(workspace.Decoder, states, rows, results, cancellation);
        }
        finally
        {
            _workspaces.Return(workspace);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _workspaces.Dispose();
        encoder.Dispose();
        decoder.Dispose();
    }

    /// <summary>Runs the encoder.</summary>
    /// <param name="images">One or more, of one size.</param>
    /// <param name="pixels">Memory for its input.</param>
    /// <param name="run">Receives what the decoder needs of the images.</param>
    /// <param name="cancellation">Looked at between runs.</param>
    /// <returns>The shape of it.</returns>
    protected abstract HiddenStates Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer pixels, TRun run, CancellationToken cancellation);

    /// <summary>The memory of one stream.</summary>
    private sealed class Workspace(TRun decoder) : IDisposable
    {
        public TensorBuffer Pixels { get; } = new();

        public TRun Decoder { get; } = decoder;

        public void Dispose()
        {
            Pixels.Dispose();
            Decoder.Dispose();
        }
    }
}
