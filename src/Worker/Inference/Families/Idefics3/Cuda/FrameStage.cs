using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Idefics3.CudaGraphs;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>From prepared images to features, which stay on the GPU. One lane's.</summary>
internal sealed class FrameStage : IDisposable
{
    // A thousand positions each: more make the kernels no faster.
    private const int Chunk = 32;

    // While the GPU works on one part of a batch, the next is laid out.
    private const int Slots = 2;

    private readonly CudaSession _session;
    private readonly CudaStream _stream;
    private readonly ChatShapes _shapes;
    private readonly SignedPatchWriter _writer;
    private readonly PinnedBuffer[] _host = new PinnedBuffer[Slots];
    private readonly CudaEvent[] _copied = new CudaEvent[Slots];
    private readonly DeviceBuffer _pixels;
    private readonly DeviceBuffer _part;
    private readonly RecordedRuns<int> _runs;
    private readonly Stack<IDisposable> _parts = new();
    private DeviceBuffer? _features;

    /// <summary>Takes memory.</summary>
    /// <exception cref="InvalidDataException">The image tower takes images of another size than the configuration makes.</exception>
    public FrameStage(CudaSession session, CudaStream stream, ChatShapes shapes, SignedPatchWriter writer)
    {
        (_session, _stream, _shapes, _writer, _runs) = (session, stream, shapes, writer, new RecordedRuns<int>(stream, Bind));
        try
        {
            for (var i = 0; i < Slots; i++)
            {
                _parts.Push(_host[i] = new PinnedBuffer((long)Chunk * writer.ImageBytes));
                _parts.Push(_copied[i] = new CudaEvent(false));
            }

            _parts.Push(_pixels = new DeviceBuffer((long)Chunk * writer.ImageBytes));
            _parts.Push(_part = new DeviceBuffer(Chunk * shapes.FrameBytes));
        }
        catch
        {
            while (_parts.TryPop(out var part))
                part.Dispose();
            throw;
        }
    }

    /// <summary>[features, width]: of all frames of the last batch, in their order.</summary>
    public nint Features => _features?.Pointer ?? 0;

    /// <summary>Runs every number of frames that go together once and records it.</summary>
    public void Prepare(bool record)
    {
        Reserve(1);
        for (var frames = Chunk; frames > 0; frames /= 2)
        {
            // The first run chooses kernels, and the second one takes the memory that these want.
            _runs.QueuePlain(frames);
            _runs.QueuePlain(frames);
            _stream.Synchronize();
            if (record)
                _runs.Record(frames);
        }
    }

    /// <summary>Queues the work on the frames of a batch's images, each image once; returns the batch's prompts.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="imageToken">The token in whose places features go.</param>
    /// <param name="cancellation">Looked at before each part.</param>
    public ChatBatch Encode(ReadOnlySpan<ChatRow> rows, int imageToken, CancellationToken cancellation)
    {
        var inputs = new ChatInputs(rows, imageToken, _shapes.TokensPerFrame);
        Encode(inputs.Images, cancellation);
        return new ChatBatch(inputs.Rows, inputs.Features);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runs.Dispose();
        _features?.Dispose();
        while (_parts.TryPop(out var part))
            part.Dispose();
    }

    private void Encode(IEnumerable<PreparedPixels> images, CancellationToken cancellation)
    {
        List<(PreparedPixels Image, int Frame)> frames = [.. images.SelectMany(static image => Enumerable.Range(0, image.Frames).Select(frame => (image, frame)))];
        Reserve(frames.Count);
        var (done, slot) = (0, 0);
        while (done < frames.Count)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Part(frames.Count - done);
            _copied[slot].Wait();
            Write(frames, done, count, _host[slot]);
            _stream.CopyToDevice(_pixels.Pointer, _host[slot].Pointer, (long)count * _writer.ImageBytes);
            _copied[slot].Record(_stream);
            _runs.Queue(count);
            _stream.CopyOnDevice(_features!.Pointer + (nint)(done * _shapes.FrameBytes), _part.Pointer, count * _shapes.FrameBytes);
            done += count;
            slot = (slot + 1) % Slots;
        }
    }

    // Powers of two: few numbers of frames have kernels chosen for them.
    private static int Part(int left)
    {
        var count = Chunk;
        while (count > left)
            count /= 2;
        return count;
    }

    private void Write(List<(PreparedPixels Image, int Frame)> frames, int first, int count, PinnedBuffer target)
    {
        void One(int i)
        {
            var (image, frame) = frames[first + i];
            _writer.Write(image, frame, target.Span<byte>((long)i * _writer.ImageBytes, _writer.ImageBytes));
        }

        SignedPatchWriter.ForEach(count, One);
    }

    private List<CudaBinding> Bind(int frames)
    {
        var binding = _session.Bind();
        binding.Input(VisionTower.Pixels, _pixels.Pointer, TensorElementType.Int8, frames, _shapes.Patches, _shapes.RowBytes);
        binding.Output(ChatNames.Features, _part.Pointer, _shapes.Type, frames, _shapes.TokensPerFrame, _shapes.Width);
        return [binding];
    }

    private void Reserve(int frames)
    {
        if (_features is { } features && features.Bytes >= frames * _shapes.FrameBytes)
            return;
        // Earlier work may still read the old memory.
        _stream.Synchronize();
        _features?.Dispose();
        _features = null;
        _features = new DeviceBuffer(frames * _shapes.FrameBytes);
    }
}
