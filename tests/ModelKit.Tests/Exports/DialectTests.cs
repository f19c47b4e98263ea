using System.Text;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Exports;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Exports;

/// <summary>The same models as different exporters write them are read into the same parameters.</summary>
public sealed class DialectTests
{
    public static TheoryData<Dialect> Dialects => new()
    {
        new Dialect(),
        new Dialect(Anonymous: true, Linear: LinearForm.AddMatMul),
        new Dialect(ConstantNodes: true, Casts: true),
        new Dialect(LinearForm.Gemm, Attention: AttentionForm.Packed),
        new Dialect(LinearForm.GemmTransposed, NormForm.Decomposed, Attention: AttentionForm.ScaledOperands, Casts: true),
        new Dialect(LinearForm.TransposedInGraph, NormForm.Decomposed, GeluForm.Operator, AttentionForm.ScaledByShape),
        new Dialect(LinearForm.FusedTransposed, NormForm.SkipFused, GeluForm.BiasFused, AttentionForm.MultiHead),
        new Dialect(Norm: NormForm.SkipFused, Gelu: GeluForm.Operator, Attention: AttentionForm.MicrosoftPacked, Anonymous: true),
        new Dialect(Attention: AttentionForm.Opset23, Gelu: GeluForm.Operator),
    };

    [Theory]
    [MemberData(nameof(Dialects))]
    public void A_captioner(Dialect dialect)
    {
        var model = new TinyModels().Captioner();
        ParameterAssert.Equal(model, Read(model, dialect, TinyModels.CaptionerConfig()), 1e-6f);
    }

    [Theory]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    public void A_captioner_without_biases_or_with_a_head_of_its_own(bool qkvBias, bool tied, bool sameWidth)
    {
        var model = new TinyModels().Captioner(qkvBias, tied, sameWidth);
        ParameterAssert.Equal(model, Read(model, new Dialect(), TinyModels.CaptionerConfig(qkvBias, tied, sameWidth)));
    }

    [Theory]
    [MemberData(nameof(Dialects))]
    public void A_clip(Dialect dialect)
    {
        var model = new TinyModels().Clip();
        var read = ClipExport.Read(
            new ExportedGraph(TinyExport.ClipVision(model.Vision, dialect), "vision_model.onnx"),
            new ExportedGraph(TinyExport.ClipText(model.Text, dialect), "text_model.onnx"), Config(TinyModels.ClipConfig()));
        ParameterAssert.Equal(model, read, 1e-6f);
    }

    [Fact]
    public void Another_scale_of_the_scores_goes_into_the_queries()
    {
        var model = new TinyModels().Captioner();
        // An exporter that takes heads for four times as wide divides by twice the root.
        var encoder = TinyExport.Encoder(model.Encoder with { Layers = [.. model.Encoder.Layers.Select(layer => layer with { HeadSize = 16 })] }, new Dialect());
        var read = VisionEncoderDecoderExport.Read(
            new ExportedGraph(encoder, "encoder_model.onnx"), Decoder(model, new Dialect()), Config(TinyModels.CaptionerConfig()));
        Assert.Equal(model.Encoder.Layers[1].Query.Weight.Values.Select(value => value / 2), read.Encoder.Layers[1].Query.Weight.Values);
        Assert.Equal(model.Encoder.Layers[1].Key.Weight.Values, read.Encoder.Layers[1].Key.Weight.Values);
    }

    [Theory]
    [InlineData("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "encoder_model.onnx: at node", "3 blocks of 2 parts (config.json); 4 parts were found")]
    [InlineData("\"image_size\": 8", "\"image_size\": 16", "encoder_model.onnx: at node", "embeddings of 17 x 12 (config.json), not 1 x 5 x 12")]
    [InlineData("\"patch_size\": 4", "\"patch_size\": 4, \"hidden_act\": \"relu\"", "encoder_model.onnx: at node", "the activation Relu (config.json), not Gelu")]
    [InlineData("\"vocab_size\": 30", "\"vocab_size\": 31", "decoder_model.onnx: at node", "a head from 8 to 31 (config.json)")]
    [InlineData("\"n_positions\": 10", "\"n_positions\": 20", "decoder_model.onnx: at node", "embeddings of 20 x 8 (config.json), not 10 x 8")]
    public void What_contradicts_config_json_is_named(string right, string wrong, string where, string what)
    {
        var model = new TinyModels().Captioner();
        var error = Assert.Throws<InvalidDataException>(() =>
            Read(model, new Dialect(), TinyModels.CaptionerConfig().Replace(right, wrong, StringComparison.Ordinal)));
        Assert.StartsWith(where, error.Message);
        Assert.Contains(what, error.Message);
    }

    [Theory]
    [InlineData("Erf", "Cos", "at node")]
    [InlineData("Softmax", "Hardmax", "at node")]
    [InlineData("Conv", "ConvTranspose", "the convolution that projects the patches was expected")]
    public void The_node_where_the_structure_stops_being_understood_is_named(string op, string strange, string what)
    {
        var model = new TinyModels().Captioner();
        var encoder = TinyExport.Encoder(model.Encoder, new Dialect());
        var changed = encoder.Graph.Node.Last(node => node.OpType == op);
        changed.OpType = strange;
        var error = Assert.Throws<InvalidDataException>(() => VisionEncoderDecoderExport.Read(
            new ExportedGraph(encoder, "encoder_model.onnx"), Decoder(model, new Dialect()), Config(TinyModels.CaptionerConfig())));
        Assert.StartsWith("encoder_model.onnx: at ", error.Message);
        Assert.Contains(what, error.Message);
    }

    private static FamilyParameters Read(VisionEncoderDecoderParameters model, Dialect dialect, string config) => VisionEncoderDecoderExport.Read(
        new ExportedGraph(TinyExport.Encoder(model.Encoder, dialect), "encoder_model.onnx"), Decoder(model, dialect), Config(config));

    private static ExportedGraph Decoder(VisionEncoderDecoderParameters model, Dialect dialect) => new(TinyExport.Decoder(model, dialect), "decoder_model.onnx");

    private static JsonFile Config(string json) => JsonFile.Parse("config.json", Encoding.UTF8.GetBytes(json));
}
