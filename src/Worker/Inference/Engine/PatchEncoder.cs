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
    private readonly OnnxSession _session;
    private readonly PatchWriter _writer;
    private readonly int _rows;
    private readonly string[] _inputs = [CpuVision.Patches];
    private readonly string[] _outputs;
    private readonly long[][] _shapes;
    private readonly long[] _bytes;

    /// <summary>Takes over a session.</summary>
    /// <param name="session">The graph.</param>
    /// <param name="outputs">Names of all outputs, in the order of the buffers that receive them.</param>
    /// <exception cref="InvalidDataException">The graph is not of the layout known here.</exception>
    public PatchEncoder(OnnxSession session, IReadOnlyList<string> outputs)
    {
        session.Expect(name => name == CpuVision.Patches);
        session.InputType(CpuVision.Patches, TensorElementType.UInt8);
        if (session.Inputs[CpuVision.Patches].Dimensions is not [_, > 1 and var rows, > 0 and var bytes])
            throw new InvalidDataException($"input {CpuVision.Patches} of {session.Name} is not [batch, rows, bytes] with known rows and bytes");
        (_session, _rows, _outputs) = (session, rows, [.. outputs]);
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
        var (width, height) = (plan.CropWidth ?? plan.Width, plan.CropHeight ?? plan.Height);
        if (_writer.RowsOf(width, height) != _rows)
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
        var rows = _writer.RowsOf(image.Width, image.Height);
        patches.Reserve((long)rows * _writer.PatchBytes);
        _writer.Write(image, patches.Span<byte>(0, rows * _writer.PatchBytes), frame);
        using var input = OnnxSession.Tensor(patches, TensorElementType.UInt8, 1, rows, _writer.PatchBytes);
        var outputs = new OrtValue[_outputs.Length];
        try
        {
            for (var i = 0; i < outputs.Length; i++)
                outputs[i] = OnnxSession.TensorAt(results[i], _bytes[i] * place, TensorElementType.Float, _shapes[i]);
            _session.Run(_inputs, [input], _outputs, outputs);
        }
        finally
        {
            foreach (var output in outputs)
                output?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private static long[] ShapeOf(OnnxSession session, string name)
    {
        session.FloatOutput(name);
        var dimensions = session.Outputs[name].Dimensions;
        if (dimensions.AsSpan(1).ContainsAnyExceptInRange(1, int.MaxValue))
            throw new InvalidDataException($"{session.Name} does not say how large its output {name} is");
        return [1, .. dimensions.Skip(1).Select(static dimension => (long)dimension)];
    }
}
