using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.VisionEncoderDecoder;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Pruning;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Pruning;

public sealed class StructuredPruningTests
{
    private static readonly Normalization None = new(1, 0, 0, 0, 1, 1, 1);

    [Fact]
    public void Matrices_shrink_and_biases_with_them()
    {
        var captioner = (VisionEncoderDecoderParameters)new StructuredPruning(new StructuredPruningOptions(0.5, 0.25, false)).Run(new TinyModels().Captioner());
        foreach (var layer in captioner.Encoder.Layers)
        {
            // 3 heads, of which half rounded down go: one.
            Assert.Equal(2, layer.Heads);
            Assert.Equal((TinyModels.Width, 2 * TinyModels.HeadSize, 2 * TinyModels.HeadSize), (layer.Query.Inputs, layer.Query.Outputs, layer.Query.Bias!.Length));
            Assert.Equal((2 * TinyModels.HeadSize, TinyModels.Width), (layer.Output.Inputs, layer.Output.Outputs));
            Assert.Equal((15, 15, 15), (layer.Up.Outputs, layer.Up.Bias!.Length, layer.Down.Inputs));
        }

        foreach (var layer in captioner.Decoder.Layers)
        {
            Assert.Equal((1, 1), (layer.Heads, layer.CrossHeads));
            Assert.Equal((TinyModels.HeadSize, TinyModels.HeadSize, TinyModels.HeadSize), (layer.CrossKey.Outputs, layer.CrossValue.Outputs, layer.CrossOutput.Inputs));
            Assert.Equal(15, layer.Down.Inputs);
        }

        var clip = (ClipParameters)new StructuredPruning(new StructuredPruningOptions(0.5, 0.5, false)).Run(new TinyModels().Clip());
        Assert.All(clip.Vision.Layers.Concat(clip.Text.Layers), layer => Assert.Equal(10, layer.Up.Outputs));
    }

    [Fact]
    public void What_goes_is_what_weighs_least()
    {
        var model = new TinyModels().Captioner();
        var layer = model.Encoder.Layers[0];
        // The second head and the fourth neuron hardly count.
        var weak = layer with
        {
            Query = Fade(layer.Query, column => column / TinyModels.HeadSize == 1),
            Key = Fade(layer.Key, column => column / TinyModels.HeadSize == 1),
            Value = Fade(layer.Value, column => column / TinyModels.HeadSize == 1),
            Up = Fade(layer.Up, column => column == 3),
        };
        model = model with { Encoder = model.Encoder with { Layers = [weak, model.Encoder.Layers[1]] } };
        var pruned = ((VisionEncoderDecoderParameters)new StructuredPruning(new StructuredPruningOptions(0.34, 0.05, false)).Run(model)).Encoder.Layers[0];

        Assert.Equal([.. weak.Query.Bias![..4], .. weak.Query.Bias[8..]], pruned.Query.Bias!);
        Assert.Equal([.. weak.Up.Bias![..3], .. weak.Up.Bias[4..]], pruned.Up.Bias!);
        Assert.Equal(weak.Down.Weight.Row(4).ToArray(), pruned.Down.Weight.Row(3).ToArray());
        Assert.Equal(weak.Output.Weight.Row(8).ToArray(), pruned.Output.Weight.Row(4).ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_pruned_graph_gives_what_the_whole_one_gives_without_those_parts(bool global)
    {
        var model = new TinyModels().Captioner();
        var pruned = (VisionEncoderDecoderParameters)new StructuredPruning(new StructuredPruningOptions(0.34, 0.3, global)).Run(model);
        var silenced = model with { Encoder = model.Encoder with { Layers = [.. model.Encoder.Layers.Zip(pruned.Encoder.Layers, Silence)] } };
        // The decoder's cross attention reads the encoder's states: all its heads stay, to compare them.
        pruned = pruned with { Decoder = model.Decoder };

        var (whole, small) = (Run(silenced), Run(pruned));
        Assert.NotEqual(Run(model), whole);
        foreach (var (expected, found) in whole.Zip(small))
            Assert.Equal(expected, found, 1e-4f);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, double.NaN)]
    [InlineData(-0.1, 0.5)]
    public void Shares_that_make_no_sense_are_said(double heads, double neurons) => Assert.Single(new StructuredPruningOptions(heads, neurons, false).Check());

    private static Linear Fade(Linear linear, Func<int, bool> columns) => linear with
    {
        Weight = new Matrix(linear.Inputs, linear.Outputs, [.. linear.Weight.Values.Select((value, i) => columns(i % linear.Outputs) ? value * 1e-3f : value)]),
    };

    // A head or a neuron whose rows in the next matrix are 0 adds nothing. The rows that the pruned layer still has are those that stay.
    private static EncoderLayer Silence(EncoderLayer layer, EncoderLayer pruned) =>
        layer with { Output = KeepRows(layer.Output, pruned.Output), Down = KeepRows(layer.Down, pruned.Down) };

    private static Linear KeepRows(Linear linear, Linear pruned)
    {
        var kept = Enumerable.Range(0, pruned.Inputs).Select(row => string.Join(' ', pruned.Weight.Row(row).ToArray())).ToHashSet();
        var values = Enumerable.Range(0, linear.Inputs).SelectMany(row =>
            kept.Contains(string.Join(' ', linear.Weight.Row(row).ToArray())) ? linear.Weight.Row(row).ToArray() : new float[linear.Outputs]);
        return linear with { Weight = new Matrix(linear.Inputs, linear.Outputs, [.. values]) };
    }

    private static float[] Run(VisionEncoderDecoderParameters model)
    {
        using var session = new InferenceSession(CpuGraphs.Encoder(model, None, CpuPrecision.Fp32).ToBytes());
        var (name, input) = session.InputMetadata.Single();
        using var value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, input.ElementDataType, [1, .. input.Dimensions[1..].Select(dim => (long)dim)]);
        var bytes = value.GetTensorMutableRawData();
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(i * 7);
        using var options = new RunOptions();
        using var results = session.Run(options, new Dictionary<string, OrtValue> { [name] = value }, ["cross.0.key"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
