using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.ModelKit.Tests.Exports;

/// <summary>Real exports: the fixtures, whose checkpoints are there too, and the bundled int8 models.</summary>
public sealed class ExportedModelTests
{
    [Theory]
    [InlineData("vit-gpt2-tiny", 1e-4f)] // the merged decoder: an If with two branches
    [InlineData("clip-tiny", 1e-4f)]
    [InlineData("siglip", 1e-4f)] // an attention whose layers lie below each other in one constant
    [InlineData("siglip2", 1e-4f)] // a text tower of another width than the image's
    [InlineData("dinov2", 1e-3f)] // layer scales, and positions that are brought to the image's size
    [InlineData("florence-2", 1e-4f)]
    [InlineData("smolvlm", 1e-4f)] // three graphs; rotations, grouped heads, a gate
    public void An_export_holds_the_numbers_of_its_checkpoint(string fixture, float relative)
    {
        var folder = ModelFolder.Open(FixtureArchive.Extract(fixture));
        // Where a fixture's checkpoint was rounded, its graphs' vectors were not.
        ParameterAssert.Equal(CheckpointModel.Read(folder.Path, folder.Family, folder.Config), ExportedModel.Read(folder), relative);
    }

    [Theory]
    [InlineData("decoder_model", false)]
    [InlineData("decoder_with_past_model", false)]
    [InlineData("decoder_model_merged", true)]
    public void Every_form_of_a_decoder_holds_the_same(string graph, bool thenBranch)
    {
        var folder = ModelFolder.Open(FixtureArchive.Extract("vit-gpt2-tiny"));
        ExportedGraph Open(string name, bool then = false) => new(OnnxFile.Load(Path.Combine(folder.Path, "onnx", name + ".onnx")), name, then);
        var read = VisionEncoderDecoderExport.Read(Open("encoder_model"), Open(graph, thenBranch), folder.Config);
        ParameterAssert.Equal(CheckpointModel.Read(folder.Path, folder.Family, folder.Config), read);
    }

    [Fact]
    public void A_dynamic_int8_captioner_quantised_again_gives_the_same_integers()
    {
        var folder = ModelFolder.Open(Path.Combine(Repository.Root, "models", "demo-captioner"), ModelPrecision.Quantized);
        var read = (VisionEncoderDecoderParameters)ExportedModel.Read(folder);
        var encoder = OnnxFile.Load(folder.Graphs["encoder_model"]);
        var decoder = OnnxFile.Load(folder.Graphs["decoder_model_merged"]);
        CheckColumns(encoder, "rf", "rd", read.Encoder.Layers[6].Up.Weight);
        CheckColumns(encoder, "dx", "dr", read.Encoder.Layers[0].Key.Weight);
        CheckColumns(decoder, "vK", "vO", read.Decoder.Layers[2].Output.Weight);
        CheckColumns(decoder, "Ii", "Im", read.Decoder.Layers[3].Up.Weight);
        CheckColumns(decoder, "JK", "JO", read.Decoder.Head!.Transpose());
        CheckTable(decoder, "i", "k", "l", read.Decoder.TokenEmbedding);
    }

    [Fact]
    public void A_dynamic_int8_clip_quantised_again_gives_the_same_integers()
    {
        var folder = ModelFolder.Open(Path.Combine(Repository.Root, "models", "demo-clip"), ModelPrecision.Quantized);
        var read = (ClipParameters)ExportedModel.Read(folder);
        CheckColumns(OnnxFile.Load(folder.Graphs["vision_model"]), "oZ", "oX", read.Vision.Projection!);
        CheckColumns(OnnxFile.Load(folder.Graphs["text_model"]), "kG", "kE", read.Text.Layers[3].Up.Weight);
        CheckTable(OnnxFile.Load(folder.Graphs["text_model"]), "bI", "bP", "bQ", read.Text.TokenEmbedding);
    }

    // Symmetric, a scale for each column, over 7 bits (reduce_range): the largest magnitude becomes 64. Bundled graphs have short names inside.
    private static void CheckColumns(OnnxModel model, string quantised, string columns, Matrix dequantised)
    {
        var (q, scales) = (model.Initializer(quantised)!.ToFloats(), model.Initializer(columns)!.ToFloats());
        Assert.Equal(q.Length, dequantised.Values.Length);
        var (magnitudes, used) = (new float[dequantised.Columns], new float[dequantised.Columns]);
        for (var i = 0; i < q.Length; i++)
        {
            var column = i % dequantised.Columns;
            magnitudes[column] = Math.Max(magnitudes[column], MathF.Abs(dequantised.Values[i]));
            used[column] = Math.Max(used[column], MathF.Abs(q[i]));
        }

        for (var column = 0; column < dequantised.Columns; column++)
            Assert.Equal(scales[column], magnitudes[column] / used[column], 1e-6 * scales[column]);
        Assert.InRange(used.Max(), 63, 127);
        Assert.Equal(q, dequantised.Values.Select((value, i) => MathF.Round(value / scales[i % dequantised.Columns])));
    }

    // Asymmetric, one scale and one zero point for the whole table.
    private static void CheckTable(OnnxModel model, string quantised, string step, string zeroPoint, Matrix dequantised)
    {
        var q = model.Initializer(quantised)!.ToFloats();
        var (scale, zero) = (model.Initializer(step)!.ToFloats()[0], model.Initializer(zeroPoint)!.ToFloats()[0]);
        Assert.Equal(q, dequantised.Values.Select(value => MathF.Round(value / scale) + zero));
    }
}
