using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>What steps need to keep n-grams from repeating: the rows' tokens so far, on the GPU, and which images ask for it. A plan's.</summary>
internal sealed class NgramHistory : IDisposable
{
    private readonly CudaStream _stream;
    private readonly string _input;
    private readonly int _beams;
    private readonly int _length;
    private readonly DeviceBuffer _tokens;
    private readonly DeviceBuffer _offsets;
    private readonly PinnedBuffer _host;

    private NgramHistory(CudaStream stream, int ngrams, int capacity, int beams, int length)
    {
        (_stream, _input, _beams, _length) = (stream, CaptionerNames.History(ngrams), beams, length);
        _tokens = new DeviceBuffer((long)capacity * beams * length * sizeof(long));
        _offsets = new DeviceBuffer((long)capacity * beams * sizeof(long));
        _host = new PinnedBuffer((long)capacity * beams * sizeof(long));
        stream.Clear(_tokens);
        stream.Clear(_offsets);
        stream.Synchronize();
    }

    /// <summary>Takes memory for it; null where the steps keep nothing from repeating.</summary>
    public static NgramHistory? Of(CaptionShapes shapes, CudaStream stream, int capacity, int beams, int length) =>
        shapes.Ngrams > 0 ? new NgramHistory(stream, shapes.Ngrams, capacity, beams, length) : null;

    /// <summary>Queues which of a batch's images ask for it; the steps of the batch before must have run.</summary>
    public void Write(ReadOnlySpan<RowRequest> rows)
    {
        var offsets = _host.Span<long>(0, rows.Length * _beams);
        for (var i = 0; i < offsets.Length; i++)
            offsets[i] = rows[i / _beams].Parameters.NoRepeatNgramSize > 0 ? 0 : _length;
        _stream.CopyToDevice(_offsets.Pointer, _host.Pointer, (long)offsets.Length * sizeof(long));
    }

    /// <summary>Binds it for a step. What lies beyond the step's position is not looked at, so that nothing has to be cleared.</summary>
    public void Bind(CudaBinding binding, int size)
    {
        binding.Input(_input, _tokens.Pointer, TensorElementType.Int64, size * _beams, _length);
        long[] next = _beams == 1 ? [size, _length] : [size, _beams, _length];
        binding.Output(CaptionerNames.NextHistory, _tokens.Pointer, TensorElementType.Int64, next);
        binding.Input(CaptionerNames.HistoryOffset, _offsets.Pointer, TensorElementType.Int64, size * _beams, 1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tokens.Dispose();
        _offsets.Dispose();
        _host.Dispose();
    }
}
