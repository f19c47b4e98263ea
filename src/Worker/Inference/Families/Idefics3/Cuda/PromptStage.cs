using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Idefics3.CudaGraphs;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>Runs whole prompts into a cache, up to each row's first token. One lane's.</summary>
/// <param name="session">The graph.</param>
/// <param name="stream">The lane's.</param>
/// <param name="shapes">Of the graphs.</param>
internal sealed class PromptStage(CudaSession session, CudaStream stream, ChatShapes shapes) : IDisposable
{
    /// <summary>Tokens that go in at once, padding included: more make the kernels no faster and take more memory.</summary>
    public const int Tokens = 16384;

    private readonly CudaEvent _copied = new(false);
    private PinnedBuffer? _host;
    private DeviceBuffer? _device;

    /// <summary>Queues the prompts of a batch.</summary>
    /// <param name="batch">The prompts.</param>
    /// <param name="features">Their images' features.</param>
    /// <param name="memory">Receives keys and values, first tokens and lengths, from a place on; from 0 on, all other places are emptied.</param>
    /// <param name="first">That place.</param>
    /// <param name="logits">Receives [rows, columns] as well; 0 where they are not wanted.</param>
    public void Queue(ChatBatch batch, nint features, ChatMemory memory, int first, nint logits)
    {
        var layouts = Layouts(batch);
        var host = Host(layouts[^1].End);
        if (first == 0)
            memory.Clear(stream);
        // What was written for those who came before may be on its way yet.
        _copied.Wait();
        foreach (var (run, layout) in batch.Runs(Tokens).Zip(layouts))
        {
            Write(batch, run, layout, host);
            stream.CopyToDevice(_device!.Pointer, host.Pointer + (nint)layout.Begin, layout.Bytes);
            _copied.Record(stream);
            Queue(batch, run, layout, host, features, memory, first, logits);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        _copied.Dispose();
    }

    private static List<PromptLayout> Layouts(ChatBatch batch)
    {
        var layouts = new List<PromptLayout>();
        foreach (var (start, count) in batch.Runs(Tokens))
            layouts.Add(new PromptLayout(layouts.Count == 0 ? 0 : layouts[^1].End, count, batch.Length(start)));
        return layouts;
    }

    private static void Write(ChatBatch batch, (int Start, int Count) run, PromptLayout layout, PinnedBuffer host)
    {
        var cells = layout.Count * layout.Length;
        batch.Write(run.Start, run.Count, host.Span<long>(layout.Begin, cells), host.Span<long>(layout.Begin + layout.Features, cells));
        var lengths = host.Span<int>(layout.Begin + layout.Lengths, run.Count);
        for (var i = 0; i < run.Count; i++)
            lengths[i] = batch.Length(run.Start + i) - 1;
        host.Span<int>(layout.Begin + layout.Total, 1)[0] = layout.Length;
    }

    private void Queue(
        ChatBatch batch, (int Start, int Count) run, PromptLayout layout, PinnedBuffer host, nint features, ChatMemory memory, int first, nint logits)
    {
        var (start, count) = (first + run.Start, run.Count);
        var (device, size) = (_device!.Pointer, (nint)shapes.Size);
        using var binding = session.Bind();
        binding.Input(CaptionerNames.Ids, device, TensorElementType.Int64, count, layout.Length);
        binding.Input(ChatNames.FeatureRows, device + (nint)layout.Features, TensorElementType.Int64, count, layout.Length);
        binding.Input(ChatNames.Features, features, shapes.Type, Math.Max(1, batch.Features), shapes.Width);
        binding.Input(ChatNames.PastLengths, device + (nint)layout.Lengths, TensorElementType.Int32, count);
        binding.HostInput(ChatNames.TotalLength, host.Pointer + (nint)(layout.Begin + layout.Total), TensorElementType.Int32);
        memory.Bind(binding, start, count);
        // Kernels want outputs that begin at round addresses: so they go to their rows' places behind it.
        var (ids, probabilities, lengths) = (device + (nint)layout.NextIds, device + (nint)layout.Probabilities, device + (nint)layout.NextLengths);
        binding.Output(CaptionerNames.NextIds, ids, TensorElementType.Int64, count, 1);
        binding.Output(CaptionerNames.LogProbability, probabilities, shapes.Type, count, 1);
        binding.Output(ChatNames.NextLengths, lengths, TensorElementType.Int32, count);
        if (logits != 0)
            binding.Output(CaptionerNames.Logits, logits + (run.Start * shapes.Columns * size), shapes.Type, count, shapes.Columns);
        binding.Queue();
        stream.CopyOnDevice(memory.Ids.Pointer + (start * sizeof(long)), ids, (long)count * sizeof(long));
        stream.CopyOnDevice(memory.Probabilities.Pointer + (start * size), probabilities, count * size);
        stream.CopyOnDevice(memory.Lengths.Pointer + (start * sizeof(int)), lengths, (long)count * sizeof(int));
    }

    // On the GPU runs use the block one after the other.
    private PinnedBuffer Host(long bytes)
    {
        if (_host is null || _host.Bytes < bytes)
        {
            stream.Synchronize();
            Release();
            _device = new DeviceBuffer(bytes);
            _host = new PinnedBuffer(bytes);
        }

        return _host;
    }

    private void Release()
    {
        _host?.Dispose();
        _device?.Dispose();
        (_host, _device) = (null, null);
    }
}

/// <summary>Where the inputs and outputs of a run lie in its block of memory, the same on the host and on the GPU.</summary>
/// <param name="Begin">Where the block begins on the host.</param>
/// <param name="Count">Rows.</param>
/// <param name="Length">Tokens of each, padding included.</param>
internal readonly record struct PromptLayout(long Begin, int Count, int Length)
{
    /// <summary>[rows, length] of int64, behind the tokens.</summary>
    public long Features => Round((long)Count * Length * sizeof(long));

    /// <summary>[rows] of int32.</summary>
    public long Lengths => Features + Features;

    /// <summary>[] of int32.</summary>
    public long Total => Lengths + Round((long)Count * sizeof(int));

    /// <summary>Bytes that the host writes.</summary>
    public long Bytes => Total + Round(sizeof(int));

    /// <summary>[rows] of int64.</summary>
    public long NextIds => Bytes;

    /// <summary>[rows] of floats.</summary>
    public long Probabilities => NextIds + Round((long)Count * sizeof(long));

    /// <summary>[rows] of int32.</summary>
    public long NextLengths => Probabilities + Round((long)Count * sizeof(float));

    /// <summary>Where the block ends on the host.</summary>
    public long End => Begin + NextLengths + Round((long)Count * sizeof(int));

    // Tensors begin where the GPU reads fastest.
    private static long Round(long bytes) => (bytes + 255) / 256 * 256;
}
