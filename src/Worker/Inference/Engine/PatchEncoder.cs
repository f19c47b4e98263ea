using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Engine;

/// <summary>
/// An image tower of ModelKit's for the CPU: patches of bytes in, one or several blocks of floats an image out. It runs an image at a time:
/// activations stay in the processor's cache, and no image changes what another is rounded to.
/// </summary>
internal sealed class PatchEncoder : IDisposable
{
    // Bytes; a tensor begins at a multiple.
    private const int Alignment = 64;

    private readonly OnnxSession _session;
    private readonly PatchWriter _writer;
    private readonly int? _rows;
    private readonly PositionWeights? _down;
    private readonly PositionWeights? _across;
    private readonly string[] _inputs;
    private readonly string[] _outputs;
    private readonly long[][] _shapes;
    private readonly long[] _bytes;

    /// <summary>Takes over a session.</summary>
    /// <param name="session">The graph.</param>
    /// <param name="outputs">Names of all outputs, in the order of the buffers that receive them.</param>
    /// <exception cref="InvalidDataException">The graph is not of the layout known here.</exception>
    public PatchEncoder(OnnxSession session, IReadOnlyList<string> outputs)
    {
        session.Expect(name => name is CpuVision.Patches or CpuVision.RowWeights or CpuVision.ColumnWeights);
        session.InputType(CpuVision.Patches, TensorElementType.UInt8);
        if (session.Inputs.Count > 1)
            (_down, _across) = (WeightsOf(session, CpuVision.RowWeights), WeightsOf(session, CpuVision.ColumnWeights));
        if (session.Inputs[CpuVision.Patches].Dimensions is not [_, var rows, > 0 and var bytes] || (_down is null && rows <= 1))
            throw new InvalidDataException($"input {CpuVision.Patches} of {session.Name} is not [batch, rows, bytes] with known rows and bytes");
        _inputs = _down is null ? [CpuVision.Patches] : [CpuVision.Patches, CpuVision.RowWeights, CpuVision.ColumnWeights];
        (_session, _rows, _outputs) = (session, _down is null ? rows : null, [.. outputs]);
        _writer = new PatchWriter((int)Math.Sqrt(bytes / 3));
        if (_writer.PatchBytes != bytes)
            throw new InvalidDataException($"input {CpuVision.Patches} of {session.Name} has {bytes} bytes a patch, which make no square");
        _shapes = [.. _outputs.Select(name => ShapeOf(session, name))];
        _bytes = [.. _shapes.Select(shape => shape.Aggregate((long)sizeof(float), static (product, dimension) => product * dimension))];
    }

    /// <summary>Checks that images of a plan are of the size that the graph takes.</summary>
    /// <exception cref="InvalidDataException">They are not.</exception>
    public void Check(ResizePlan plan)
    {
        if ((plan.Grid is null) != (_rows is not null))
            throw new InvalidDataException($"{_session.Name} takes no images {(plan.Grid is null ? "of one size" : "with any number of patches")}");
        if (plan.Grid is { } grid && 3 * grid.PatchSize * grid.PatchSize != _writer.PatchBytes)
            throw new InvalidDataException($"patches of {grid.PatchSize} pixels have not the {_writer.PatchBytes} bytes that {_session.Name} takes");
        var (width, height) = (plan.CropWidth ?? plan.Width, plan.CropHeight ?? plan.Height);
        if (_rows is not null && _writer.RowsOf(width, height) != _rows)
            throw new InvalidDataException($"images of {width} x {height} pixels have {_writer.RowsOf(width, height) - 1} patches; {_session.Name} takes {_rows - 1}");
    }

    /// <summary>The shape of an output for one image.</summary>
    public ReadOnlySpan<long> ShapeOf(int output) => _shapes[output].AsSpan(1);

    /// <summary>Encodes images.</summary>
    /// <param name="images">The images.</param>
    /// <param name="patches">Memory for the graph's input.</param>
    /// <param name="results">Receives for each output [images, shape of one].</param>
    /// <param name="cancellation">Looked at before each image.</param>
    public void Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer patches, IReadOnlyList<TensorBuffer> results, CancellationToken cancellation)
    {
        for (var i = 0; i < _outputs.Length; i++)
            results[i].Reserve(_bytes[i] * images.Length);
        for (var image = 0; image < images.Length; image++)
        {
            cancellation.ThrowIfCancellationRequested();
            Encode(images[image], 0, patches, results, image);
        }
    }

    /// <summary>Encodes one frame of an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="frame">Which of its frames.</param>
    /// <param name="patches">Memory for the graph's input.</param>
    /// <param name="results">For each output, memory that is large enough.</param>
    /// <param name="place">Where in there, in images.</param>
    public void Encode(PreparedPixels image, int frame, TensorBuffer patches, IReadOnlyList<TensorBuffer> results, long place)
    {
        var inputs = new OrtValue[_inputs.Length];
        var outputs = new OrtValue[_outputs.Length];
        try
        {
            Fill(image, frame, patches, inputs);
            for (var i = 0; i < outputs.Length; i++)
                outputs[i] = OnnxSession.TensorAt(results[i], _bytes[i] * place, TensorElementType.Float, _shapes[i]);
            _session.Run(_inputs, inputs, _outputs, outputs);
        }
        finally
        {
            foreach (var input in inputs)
                input?.Dispose();
            foreach (var output in outputs)
                output?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    // The patches, and behind them the weights of the positions where the graph takes them.
    private void Fill(PreparedPixels image, int frame, TensorBuffer memory, OrtValue[] inputs)
    {
        var rows = _writer.RowsOf(image.Width, image.Height);
        var bytes = rows * _writer.PatchBytes;
        var (down, across) = (_down?.Of(_writer.Along(image.Height)) ?? [], _across?.Of(_writer.Along(image.Width)) ?? []);
        var first = Aligned(bytes);
        var second = Aligned(first + (sizeof(float) * down.Length));
        memory.Reserve(second + (sizeof(float) * across.Length));
        _writer.Write(image, memory.Span<byte>(0, bytes), frame);
        inputs[0] = OnnxSession.Tensor(memory, TensorElementType.UInt8, 1, rows, _writer.PatchBytes);
        if (_down is null || _across is null)
            return;
        inputs[1] = Table(memory, first, down, _down.Learned);
        inputs[2] = Table(memory, second, across, _across.Learned);
    }

    private static long Aligned(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    private static OrtValue Table(TensorBuffer memory, long offset, float[] weights, int columns)
    {
        weights.CopyTo(memory.Span<float>(offset, weights.Length));
        return OnnxSession.TensorAt(memory, offset, TensorElementType.Float, [weights.Length / columns, columns]);
    }

    private static PositionWeights WeightsOf(OnnxSession session, string name)
    {
        session.InputType(name, TensorElementType.Float);
        return session.Inputs[name].Dimensions is [_, > 0 and var learned] ? new PositionWeights(learned)
            : throw new InvalidDataException($"input {name} of {session.Name} is not [patches, positions] with known positions");
    }

    private static long[] ShapeOf(OnnxSession session, string name)
    {
        session.FloatOutput(name);
        var dimensions = session.Outputs[name].Dimensions;
        if (dimensions.AsSpan(1).ContainsAnyExceptInRange(1, int.MaxValue))
            throw new InvalidDataException($"{session.Name} does not say how large its output {name} is");
        return [1, .. dimensions.Skip(1).Select(static dimension => (long)dimension)];
    }
}
