using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Engine;

/// <summary>An image tower: pixels in, one row of floats an image out.</summary>
internal sealed class ImageEncoder : IDisposable
{
    private const string Input = "pixel_values";

    private readonly OnnxSession _session;
    private readonly string _output;
    private readonly PixelWriter _writer;
    private readonly int _chunk;
    private readonly ConcurrentDictionary<(int Width, int Height), long[]> _shapes = [];

    /// <summary>Takes over a session.</summary>
    /// <param name="session">The graph.</param>
    /// <param name="images">How the images are normalised.</param>
    /// <param name="chunk">Images a run of the graph.</param>
    /// <param name="outputs">Names of the wanted output, the preferred one first.</param>
    /// <exception cref="InvalidDataException">The graph is not of a layout known here.</exception>
    public ImageEncoder(OnnxSession session, PreprocessorConfig images, int chunk, params ReadOnlySpan<string> outputs)
    {
        session.Expect(name => name == Input);
        session.InputType(Input, TensorElementType.Float);
        (_session, _chunk, _output, _writer) = (session, chunk, session.FloatOutput(outputs), new PixelWriter(images.Normalization));
    }

    /// <summary>The shape of one image's output, without the rows; found by a run of the graph where it is not known yet.</summary>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="height">Height of the image in pixels.</param>
    public long[] ShapeOf(int width, int height) => _shapes.GetOrAdd((width, height), size => Probe(size.Width, size.Height));

    /// <summary>The shape of one image's output where all images come in one size; else null.</summary>
    public long[]? FixedShape(ResizePlan plan) => plan switch
    {
        { CropWidth: { } width, CropHeight: { } height } => ShapeOf(width, height),
        { ShortestEdge: null } => ShapeOf(plan.Width, plan.Height),
        _ => null,
    };

    /// <summary>Encodes images of one size.</summary>
    /// <param name="images">The images.</param>
    /// <param name="pixels">Memory for the graph's input.</param>
    /// <param name="results">Receives [images, shape of one output].</param>
    /// <param name="cancellation">Looked at before each run of the graph.</param>
    public void Encode(ReadOnlySpan<PreparedPixels> images, TensorBuffer pixels, TensorBuffer results, CancellationToken cancellation)
    {
        var (width, height) = (images[0].Width, images[0].Height);
        var shape = ShapeOf(width, height);
        var values = 3 * width * height;
        var rowBytes = sizeof(float) * Product(shape);
        results.Reserve(rowBytes * images.Length);
        pixels.Reserve((long)sizeof(float) * values * Math.Min(images.Length, _chunk));
        for (var start = 0; start < images.Length; start += _chunk)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(_chunk, images.Length - start);
            for (var i = 0; i < count; i++)
                _writer.Write(images[start + i], pixels.Span<float>((long)sizeof(float) * values * i, values));
            using var input = OnnxSession.Tensor(pixels, TensorElementType.Float, count, 3, height, width);
            using var output = OnnxSession.TensorAt(results, rowBytes * start, TensorElementType.Float, [count, .. shape]);
            _session.Run([Input], [input], [_output], [output]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private long[] Probe(int width, int height)
    {
        using var pixels = new TensorBuffer();
        pixels.Reserve((long)sizeof(float) * 3 * width * height);
        pixels.Span<float>(0, 3 * width * height).Clear();
        using var input = OnnxSession.Tensor(pixels, TensorElementType.Float, 1, 3, height, width);
        return _session.Probe(Input, input, _output)[1..];
    }

    private static long Product(long[] shape)
    {
        var product = 1L;
        foreach (var dimension in shape)
            product *= dimension;
        return product;
    }
}
