using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Prompted.Cuda;

/// <summary>An image tower that takes patches, as a captioner's encoder does.</summary>
internal sealed class PatchTower : IImageTower
{
    private readonly PatchRuns _runs;
    private readonly CaptionShapes _shapes;
    private readonly DeviceBuffer _tokens;

    private PatchTower(PromptedGraphs graphs, CudaStream stream, CaptionShapes shapes, CudaSettings settings)
    {
        _shapes = shapes;
        _runs = new PatchRuns(graphs.Vision, graphs.Captioner.Images, stream, settings, BindTokens);
        try
        {
            Width = _runs.Session.Outputs[PromptedNames.Features].Dimensions[2];
            _tokens = new DeviceBuffer(shapes.Size * settings.MaxBatch * Count * Width);
        }
        catch
        {
            _runs.Dispose();
            throw;
        }
    }

    /// <summary>Loads the graph and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>; see <see cref="MakeTower"/>.</summary>
    /// <exception cref="InvalidDataException">The graph takes images of another size.</exception>
    public static IImageTower Make(PromptedGraphs graphs, CudaStream stream, CaptionShapes shapes, CudaSettings settings) =>
        new PatchTower(graphs, stream, shapes, settings);

    /// <inheritdoc/>
    public int Count => _runs.Positions;

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public int Chunk => _runs.Chunk;

    /// <inheritdoc/>
    public nint At(int image) => _tokens.Pointer + (nint)(_shapes.Size * image * Count * Width);

    /// <inheritdoc/>
    public void Write(PreparedPixels[] images) => _runs.Write(images);

    /// <inheritdoc/>
    public void Upload(int size) => _runs.Upload(size);

    /// <inheritdoc/>
    public void Queue(int size) => _runs.QueuePadded(size);

    /// <inheritdoc/>
    public void QueuePlain(int size) => _runs.QueuePlain(size);

    /// <inheritdoc/>
    public void Record(int size) => _runs.Record(size);

    /// <inheritdoc/>
    public void Dispose()
    {
        _runs.Dispose();
        _tokens.Dispose();
    }

    private void BindTokens(CudaBinding binding, int first, int count) =>
        binding.Output(PromptedNames.Features, At(first), _shapes.Type, count, Count, Width);
}
