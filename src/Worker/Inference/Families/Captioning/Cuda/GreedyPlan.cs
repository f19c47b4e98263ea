using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>Greedy search: each step chooses its tokens on the GPU and feeds them to the next; tokens and log-probabilities come to the host.</summary>
internal sealed class GreedyPlan : SearchPlan
{
    private readonly CudaSession _session;
    private readonly CaptionShapes _shapes;
    private readonly DeviceBuffer _start;
    private readonly DeviceBuffer _ids;
    private readonly DeviceBuffer _probabilities;
    private readonly PinnedBuffer _hostIds;
    private readonly PinnedBuffer _hostProbabilities;

    /// <param name="session">The step.</param>
    /// <param name="shapes">Of the graphs.</param>
    /// <param name="stream">The lane's.</param>
    /// <param name="memory">The lane's; becomes this plan's.</param>
    /// <param name="capacity">Images at most.</param>
    /// <param name="startToken">What every sequence starts with.</param>
    public GreedyPlan(CudaSession session, CaptionShapes shapes, CudaStream stream, StepMemory memory, int capacity, int startToken)
        : base(shapes, stream, memory, capacity, 1)
    {
        (_session, _shapes) = (session, shapes);
        _start = new DeviceBuffer((long)capacity * sizeof(long));
        _ids = new DeviceBuffer((long)capacity * sizeof(long));
        _probabilities = new DeviceBuffer(capacity * shapes.Size);
        _hostIds = new PinnedBuffer((long)Length * capacity * sizeof(long));
        _hostProbabilities = new PinnedBuffer(Length * capacity * shapes.Size);
        _hostIds.Span<long>(0, capacity).Fill(startToken);
        stream.CopyToDevice(_start.Pointer, _hostIds.Pointer, (long)capacity * sizeof(long));
        stream.Synchronize();
    }

    /// <summary>The tokens of a step, once it was waited for.</summary>
    public ReadOnlySpan<long> Tokens(int step, int images) => _hostIds.Span<long>((long)step * Capacity * sizeof(long), images);

    /// <summary>Their log-probabilities.</summary>
    public float LogProbability(int step, int image)
    {
        var offset = ((step * Capacity) + image) * _shapes.Size;
        return _shapes.Type == TensorElementType.Float ? _hostProbabilities.Span<float>(offset, 1)[0] : (float)_hostProbabilities.Span<Half>(offset, 1)[0];
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        foreach (var buffer in (IDisposable[])[_start, _ids, _probabilities, _hostIds, _hostProbabilities])
            buffer.Dispose();
    }

    /// <inheritdoc/>
    protected override CudaBinding Bind(int size, int step)
    {
        var binding = _session.Bind();
        binding.Input(CaptionerNames.Ids, step == 0 ? _start.Pointer : _ids.Pointer, TensorElementType.Int64, size, 1);
        binding.Output(CaptionerNames.NextIds, _ids.Pointer, TensorElementType.Int64, size, 1);
        binding.Output(CaptionerNames.LogProbability, _probabilities.Pointer, _shapes.Type, size, 1);
        return binding;
    }

    /// <inheritdoc/>
    protected override void Replace(nint tokens, int images) => Stream.CopyToDevice(_ids.Pointer, tokens, (long)images * sizeof(long));

    /// <inheritdoc/>
    protected override void Fetch(int size, int step)
    {
        Stream.CopyToHost(_hostIds.Pointer + (nint)((long)step * Capacity * sizeof(long)), _ids.Pointer, (long)size * sizeof(long));
        Stream.CopyToHost(_hostProbabilities.Pointer + (nint)(step * Capacity * _shapes.Size), _probabilities.Pointer, size * _shapes.Size);
    }
}
