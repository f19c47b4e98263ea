using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Families;

/// <summary>Runs a graph, and prepares images for it.</summary>
internal sealed class CpuSession(OnnxModel model) : IDisposable
{
    /// <summary>Neither symmetric nor the same for all channels.</summary>
    public static readonly Normalization Normalization = new(1 / 255.0, 0.4f, 0.5f, 0.6f, 0.2f, 0.3f, 0.25f);

    private readonly InferenceSession _session = new(model.ToBytes());
    private readonly RunOptions _run = new();

    public IReadOnlyCollection<string> Outputs => _session.OutputNames;

    /// <summary>Runs the graph. The caller disposes of the results.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyCollection<string> outputs) =>
        _session.Run(_run, inputs, outputs);

    /// <summary>Runs the graph and writes into tensors that are there.</summary>
    public void Run(IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyDictionary<string, OrtValue> outputs) =>
        _session.Run(_run, [.. inputs.Keys], [.. inputs.Values], [.. outputs.Keys], [.. outputs.Values]);

    /// <summary>Random bytes [y, x, channel] of an image.</summary>
    public static byte[] Image(VisionParameters vision, int seed)
    {
        var bytes = new byte[vision.ImageWidth * vision.ImageHeight * 3];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>An image as the graphs take it.</summary>
    public static OrtValue Patches(VisionParameters vision, params byte[][] images)
    {
        var (size, across, rows) = (vision.PatchSize, vision.ImageWidth / vision.PatchSize, vision.Positions.Rows);
        var bytes = Enumerable.Repeat(CpuVision.Middle, images.Length * rows * size * size * 3).ToArray();
        for (var i = 0; i < bytes.Length; i++)
        {
            var (image, row, k) = (i / (rows * size * size * 3), i / (size * size * 3) % rows, i % (size * size * 3));
            if (row == 0)
                continue;
            var (y, x) = (((row - 1) / across * size) + (k / 3 / size), ((row - 1) % across * size) + (k / 3 % size));
            bytes[i] = images[image][(((y * vision.ImageWidth) + x) * 3) + (k % 3)];
        }

        return OrtValue.CreateTensorValueFromMemory(bytes, [images.Length, rows, size * size * 3]);
    }

    /// <summary>An image's normalised pixels.</summary>
    public static Func<int, int, int, double> Pixels(VisionParameters vision, byte[] image) => (channel, y, x) =>
    {
        var (mean, deviation) = channel switch
        {
            0 => (Normalization.MeanR, Normalization.StdR),
            1 => (Normalization.MeanG, Normalization.StdG),
            _ => (Normalization.MeanB, Normalization.StdB),
        };
        return ((image[(((y * vision.ImageWidth) + x) * 3) + channel] * Normalization.RescaleFactor) - mean) / deviation;
    };

    /// <summary>Asserts that floats are those of the reference.</summary>
    public static void Close(IReadOnlyList<double> expected, ReadOnlySpan<float> actual, double tolerance)
    {
        Assert.Equal(expected.Count, actual.Length);
        var largest = expected.Max(Math.Abs);
        for (var i = 0; i < actual.Length; i++)
            Assert.Equal(expected[i], actual[i], tolerance * largest);
    }

    public void Dispose()
    {
        _session.Dispose();
        _run.Dispose();
    }
}
