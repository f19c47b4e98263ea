using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Families.Prompted.Cuda;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Florence2;

namespace VlWorker.Inference.Families.Florence2.Cuda;

/// <summary>Florence-2's image tower, which takes whole images.</summary>
internal sealed class DavitTower : IImageTower
{
    // Images that run at a time. Kernels of more leave fewer processors without work at their ends; a part of a batch is filled up to the next of these.
    private static readonly int[] Parts = [16, 32];

    private readonly CudaStream _stream;
    private readonly CaptionShapes _shapes;
    private readonly SortedDictionary<int, CudaSession> _sessions = [];
    private readonly int _width;
    private readonly int _height;
    private readonly UploadBuffer _pixels;
    private readonly DeviceBuffer _tokens;
    private readonly RecordedRuns<int> _runs;

    private DavitTower(PromptedGraphs graphs, CudaStream stream, CaptionShapes shapes, CudaSettings settings)
    {
        var images = graphs.Captioner.Images;
        (_stream, _shapes, _width, _height, _runs) = (stream, shapes, images.Width, images.Height, new RecordedRuns<int>(stream, Bind));
        int[] parts = settings.EncoderChunk > 0 ? [settings.EncoderChunk] : Parts;
        Chunk = parts.FirstOrDefault(part => part >= settings.MaxBatch, parts[^1]);
        var (memory, capacity) = (new Stack<IDisposable>(), settings.MaxBatch == 1 ? 1 : Math.Max(settings.MaxBatch, Chunk));
        try
        {
            // Without it, convolutions of 16-bit floats leave the tensor cores, too.
            var fast = settings with { Tf32 = settings.Tf32 || shapes.Type == TensorElementType.Float16 };
            foreach (var size in parts.Where(part => part <= capacity).Prepend(1).Distinct())
                memory.Push(_sessions[size] = new CudaSession(graphs.Vision, stream, fast));
            var single = _sessions[1];
            if (!single.Inputs.TryGetValue(CudaDavit.Pixels, out var pixels)
                || pixels.Dimensions is not [_, var height, var width, 3] || height != _height || width != _width)
                throw new InvalidDataException($"images are resized to {_width} x {_height} pixels, which the image tower does not take");
            var tokens = single.Outputs[PromptedNames.Features].Dimensions;
            (Count, Width) = (tokens[1], tokens[2]);
            memory.Push(_pixels = new UploadBuffer((long)capacity * ImageBytes));
            memory.Push(_tokens = new DeviceBuffer(shapes.Size * capacity * Count * Width));
        }
        catch
        {
            foreach (var part in memory)
                part.Dispose();
            throw;
        }
    }

    /// <summary>Loads the graph and takes memory for batches of <see cref="CudaSettings.MaxBatch"/>; see <see cref="MakeTower"/>.</summary>
    /// <exception cref="InvalidDataException">The graph takes images of another size.</exception>
    public static IImageTower Make(PromptedGraphs graphs, CudaStream stream, CaptionShapes shapes, CudaSettings settings) =>
        new DavitTower(graphs, stream, shapes, settings);

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public int Chunk { get; }

    private int ImageBytes => _width * _height * 3;

    /// <inheritdoc/>
    public nint At(int image) => _tokens.Pointer + (nint)(_shapes.Size * image * Count * Width);

    /// <inheritdoc/>
    public void Write(PreparedPixels[] images)
    {
        void One(int i) => images[i].Frame(0).CopyTo(_pixels.Span<byte>((long)i * ImageBytes, ImageBytes));
        if (images.Length == 1)
            One(0);
        else
            Parallel.For(0, images.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, One);
    }

    /// <inheritdoc/>
    public void Upload(int size) => _pixels.Upload(_stream, (long)size * ImageBytes);

    /// <inheritdoc/>
    public void Queue(int size) => _runs.Queue(RecordedSizes.Pad(_runs.Recorded, size));

    /// <inheritdoc/>
    public void QueuePlain(int size) => _runs.QueuePlain(size);

    /// <inheritdoc/>
    public void Record(int size) => _runs.Record(size);

    /// <inheritdoc/>
    public void Dispose()
    {
        _runs.Dispose();
        foreach (var part in (IDisposable[])[_tokens, _pixels, .. _sessions.Values])
            part.Dispose();
    }

    // A session runs one size only: at another one cuDNN would choose kernels anew for each convolution, and those that were chosen before, which recordings
    // still run, would be gone. What fills up a part is not looked at.
    private List<CudaBinding> Bind(int size)
    {
        var bindings = new List<CudaBinding>();
        for (var part = 0; part < size;)
        {
            var count = _sessions.Keys.FirstOrDefault(fitting => fitting >= size - part, Chunk);
            var start = Math.Min(part, Math.Max(0, size - count));
            var binding = _sessions[count].Bind();
            bindings.Add(binding);
            binding.Input(CudaDavit.Pixels, _pixels.At((long)start * ImageBytes), TensorElementType.UInt8, count, _height, _width, 3);
            binding.Output(PromptedNames.Features, At(start), _shapes.Type, count, Count, Width);
            part += count;
        }

        return bindings;
    }
}
