using System.Numerics;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Cuda;

/// <summary>An image encoder that takes patches of images of one size: its input, and its runs on batches, part by part. One lane's.</summary>
internal sealed class PatchRuns : IDisposable
{
    // Measured on ViT-base, 197 positions an image: chunks of 64 or 128 images are not faster than 256.
    private const int ChunkPositions = 256 * 197;

    private readonly CudaStream _stream;
    private readonly PatchInput _input;
    private readonly Action<CudaBinding, int, int> _bindOutputs;
    private readonly RecordedRuns<int> _runs;

    /// <summary>Loads the encoder and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>.</summary>
    /// <param name="graph">The encoder.</param>
    /// <param name="images">How images are resized.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="settings">How it runs.</param>
    /// <param name="bindOutputs">Binds what a part of a batch gives: the part's first image, and how many it has.</param>
    /// <exception cref="InvalidDataException">The encoder takes other images.</exception>
    public PatchRuns(GraphFile graph, ResizePlan images, CudaStream stream, CudaSettings settings, Action<CudaBinding, int, int> bindOutputs)
    {
        (_stream, _bindOutputs, _runs) = (stream, bindOutputs, new RecordedRuns<int>(stream, Bind));
        Session = new CudaSession(graph, stream, settings);
        try
        {
            _input = new PatchInput(Session, images, settings.MaxBatch);
        }
        catch
        {
            Session.Dispose();
            throw;
        }

        // A power of two, as the sizes of large batches are multiples of those.
        Chunk = settings.EncoderChunk > 0 ? settings.EncoderChunk : 1 << BitOperations.Log2((uint)Math.Max(1, ChunkPositions / Positions));
    }

    /// <summary>The encoder.</summary>
    public CudaSession Session { get; }

    /// <summary>Positions of an image.</summary>
    public int Positions => _input.Positions;

    /// <summary>Images that run at a time.</summary>
    public int Chunk { get; }

    /// <inheritdoc cref="IPatchInput.Write"/>
    public void Write(PreparedPixels[] images) => _input.Write(images);

    /// <summary>Queues their way to the GPU.</summary>
    public void Upload(int size) => _input.Upload(_stream, size, Chunk);

    /// <summary>Queues a run, recorded or not.</summary>
    public void Queue(int size) => _runs.Queue(size);

    /// <summary>Queues a run that is padded to the next recorded size.</summary>
    public void QueuePadded(int size) => _runs.Queue(RecordedSizes.Pad(_runs.Recorded, size));

    /// <summary>Queues it kernel by kernel.</summary>
    public void QueuePlain(int size) => _runs.QueuePlain(size);

    /// <summary>Records a size, whose kernels must have run before.</summary>
    public void Record(int size) => _runs.Record(size);

    /// <inheritdoc/>
    public void Dispose()
    {
        _runs.Dispose();
        _input.Dispose();
        Session.Dispose();
    }

    private List<CudaBinding> Bind(int size)
    {
        var bindings = new List<CudaBinding>();
        for (var start = 0; start < size; start += Chunk)
        {
            var count = Math.Min(Chunk, size - start);
            var binding = Session.Bind();
            bindings.Add(binding);
            _input.Bind(binding, start, count);
            _bindOutputs(binding, start, count);
        }

        return bindings;
    }
}
