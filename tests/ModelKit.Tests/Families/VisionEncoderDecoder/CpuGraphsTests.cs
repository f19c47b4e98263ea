using Microsoft.ML.OnnxRuntime;
using VlWorker.ModelKit.Families.Cpu;
using VlWorker.ModelKit.Families.VisionEncoderDecoder;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Families.VisionEncoderDecoder;

/// <summary>Encoder and steps of the decoder against the reference; the norms' gammas are anything between -1 and 1.</summary>
public sealed class CpuGraphsTests
{
    private const int Capacity = 6;
    private const double Exact = 5e-5;
    private static readonly int[][] Sequences = [[0, 3, 29, 7, 7], [0, 11, 2, 5, 1]];

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(false, false, false)] // no biases of queries, keys and values; a head of its own; a projection between the widths
    [InlineData(true, false, true)]
    public void Steps_give_the_reference_s_logits(bool biases, bool tied, bool sameWidth) =>
        Check(new TinyModels(5).Captioner(biases, tied, sameWidth), CpuPrecision.Fp32, Exact);

    [Fact]
    public void Layers_may_have_different_heads_of_each_kind()
    {
        var model = new TinyModels(6).Captioner(sameWidth: true);
        var layers = model.Decoder.Layers;
        var first = layers[0] with
        {
            Heads = 1,
            Query = First(layers[0].Query, 4),
            Key = First(layers[0].Key, 4),
            Value = First(layers[0].Value, 4),
            Output = FirstInputs(layers[0].Output, 4),
        };
        var second = layers[1] with
        {
            CrossHeads = 2,
            CrossQuery = First(layers[1].CrossQuery, 8),
            CrossKey = First(layers[1].CrossKey, 8),
            CrossValue = First(layers[1].CrossValue, 8),
            CrossOutput = FirstInputs(layers[1].CrossOutput, 8),
        };
        Check(model with { Decoder = model.Decoder with { Layers = [first, second] } }, CpuPrecision.Fp32, Exact);
    }

    [Fact]
    public void Parts_without_biases_have_none()
    {
        static Linear Bare(Linear layer) => layer with { Bias = null };
        var model = new TinyModels(7).Captioner();
        Check(
            model with
            {
                EncoderToDecoder = Bare(model.EncoderToDecoder!),
                Encoder = model.Encoder with { PatchBias = null },
                Decoder = model.Decoder with
                {
                    Layers = [.. model.Decoder.Layers.Select(layer => layer with { Query = Bare(layer.Query), CrossKey = Bare(layer.CrossKey), Up = Bare(layer.Up) })],
                },
            },
            CpuPrecision.Fp32, Exact);
    }

    [Fact]
    public void In_8_bits_the_logits_are_near() => Check(new TinyModels(5).Captioner(), CpuPrecision.Int8, 0.1);

    private static Linear First(Linear layer, int outputs) => layer.ColumnRange(0, outputs);

    private static Linear FirstInputs(Linear layer, int inputs) => layer with { Weight = layer.Weight.Transpose().ColumnRange(0, inputs).Transpose() };

    // Two images with two sequences each, as beams have them: rows 0 and 1 are of the first image.
    private static void Check(VisionEncoderDecoderParameters model, CpuPrecision precision, double tolerance)
    {
        using var encoder = new CpuSession(CpuGraphs.Encoder(model, CpuSession.Normalization, precision));
        using var decoder = new CpuSession(CpuGraphs.Decoder(model, precision));
        byte[][] images = [CpuSession.Image(model.Encoder, 1), CpuSession.Image(model.Encoder, 2)];
        using var patches = CpuSession.Patches(model.Encoder, images);
        using var cross = encoder.Run(new Dictionary<string, OrtValue> { [CpuVision.Patches] = patches }, encoder.Outputs);
        var states = images.Select(image => ReferenceModel.Encode(model.Encoder, CpuSession.Pixels(model.Encoder, image))).ToArray();
        var expected = states.SelectMany(state => Sequences.Select(ids => ReferenceModel.Decode(model, state, ids))).ToArray();
        var past = Past(model);
        try
        {
            for (var position = 0; position < Sequences[0].Length; position++)
            {
                var logits = Step(model, decoder, position, encoder.Outputs.Zip(cross), past);
                CpuSession.Close([.. expected.SelectMany(row => row[position])], logits, tolerance);
            }
        }
        finally
        {
            past.Values.ToList().ForEach(static value => value.Dispose());
        }
    }

    private static float[] Step(
        VisionEncoderDecoderParameters model, CpuSession decoder, int position, IEnumerable<(string Name, OrtValue Value)> cross, Dictionary<string, OrtValue> past)
    {
        var logits = new float[4 * model.Decoder.Vocabulary];
        using var ids = OrtValue.CreateTensorValueFromMemory(Sequences.Concat(Sequences).Select(row => (long)row[position]).ToArray(), [2, 2]);
        using var place = OrtValue.CreateTensorValueFromMemory(new long[] { position }, [1]);
        using var lengths = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(position, 4).ToArray(), [4]);
        using var total = OrtValue.CreateTensorValueFromMemory(new[] { position + 1 }, []);
        using var output = OrtValue.CreateTensorValueFromMemory(logits, [2, 2, model.Decoder.Vocabulary]);
        var inputs = new Dictionary<string, OrtValue>(past) { ["input_ids"] = ids, ["position"] = place, ["past_lengths"] = lengths, ["total_length"] = total };
        foreach (var (name, value) in cross)
            inputs.Add(name, value);
        var outputs = past.ToDictionary(static entry => "present" + entry.Key["past".Length..], static entry => entry.Value);
        outputs.Add("logits", output);
        decoder.Run(inputs, outputs);
        return logits;
    }

    // Memory that a step writes in place; what was in it before does not matter.
    private static Dictionary<string, OrtValue> Past(VisionEncoderDecoderParameters model)
    {
        var past = new Dictionary<string, OrtValue>();
        for (var i = 0; i < model.Decoder.Layers.Count; i++)
        {
            var layer = model.Decoder.Layers[i];
            foreach (var what in new[] { "key", "value" })
            {
                // The operator takes heads of a multiple of eight: those of these models are padded.
                var memory = Enumerable.Repeat(1e30f, 4 * layer.Heads * Capacity * 8).ToArray();
                past.Add($"past.{i}.{what}", OrtValue.CreateTensorValueFromMemory(memory, [4, layer.Heads, Capacity, 8]));
            }
        }

        return past;
    }
}
