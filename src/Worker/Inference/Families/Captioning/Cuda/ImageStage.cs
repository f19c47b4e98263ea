using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>An encoder that takes an image and nothing else, in patches.</summary>
internal sealed class ImageStage : IEncoderStage<PreparedPixels>
{
    private readonly PatchRuns _runs;
    private readonly CaptionShapes _shapes;
    private PreparedPixels[] _rows = [];

    /// <summary>Loads the encoder and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>.</summary>
    /// <param name="graph">The encoder.</param>
    /// <param name="images">How images are resized.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="shapes">Of the decoder.</param>
    /// <param name="settings">How it runs.</param>
    /// <exception cref="InvalidDataException">The encoder takes other images.</exception>
    public ImageStage(GraphFile graph, ResizePlan images, CudaStream stream, CaptionShapes shapes, CudaSettings settings)
    {
        _shapes = shapes;
        _runs = new PatchRuns(graph, images, stream, settings, BindCross);
        try
        {
            Cross = shapes.TakeCross(settings.MaxBatch, Positions);
        }
        catch
        {
            _runs.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<DeviceBuffer> Cross { get; }

    /// <inheritdoc/>
    public int Positions => _runs.Positions;

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Take(PreparedPixels[] rows)
    {
        _rows = rows;
        return [[.. Enumerable.Range(0, rows.Length)]];
    }

    /// <inheritdoc/>
    public void Release() => _rows = [];

    /// <inheritdoc/>
    public void Write(int[] places) => _runs.Write([.. places.Select(place => _rows[place])]);

    /// <inheritdoc/>
    public void Upload(int size) => _runs.Upload(size);

    /// <inheritdoc/>
    public void Queue(int size) => _runs.Queue(size);

    /// <inheritdoc/>
    public void QueuePlain(int size) => _runs.QueuePlain(size);

    /// <inheritdoc/>
    public void Record(int size) => _runs.Record(size);

    /// <inheritdoc/>
    public void RecordIfUsed(int size)
    {
        // Images have one size: all batches are recorded at the start.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runs.Dispose();
        foreach (var buffer in Cross)
            buffer.Dispose();
    }

    private void BindCross(CudaBinding binding, int first, int count) => _shapes.BindCross(binding, Cross, first, count, Positions);
}
