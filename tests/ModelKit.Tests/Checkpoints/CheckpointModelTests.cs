using System.Text;
using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Parameters;

namespace VlWorker.ModelKit.Tests.Checkpoints;

public sealed class CheckpointModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-checkpoint-").FullName;

    [Theory]
    [InlineData(true, true, false)]
    [InlineData(false, true, false)] // ViT without biases of queries, keys and values
    [InlineData(true, false, false)] // a head of its own
    [InlineData(true, true, true)] // no projection between encoder and decoder
    public void A_captioner_is_read_as_it_was_written(bool qkvBias, bool tied, bool sameWidth)
    {
        var model = new TinyModels().Captioner(qkvBias, tied, sameWidth);
        ParameterAssert.Equal(model, Captioner(TransformersCheckpoint.Of(model), TinyModels.CaptionerConfig(qkvBias, tied, sameWidth)));
    }

    [Fact]
    public void A_clip_is_read_as_it_was_written()
    {
        var model = new TinyModels().Clip();
        ParameterAssert.Equal(model, Read(ModelFamily.Clip, TransformersCheckpoint.Of(model), TinyModels.ClipConfig()));
    }

    [Fact]
    public void A_head_that_is_stored_though_it_is_the_embedding_counts_as_tied()
    {
        var model = new TinyModels().Captioner();
        var tensors = TransformersCheckpoint.Of(model);
        tensors["decoder.lm_head.weight"] = tensors["decoder.transformer.wte.weight"];
        ParameterAssert.Equal(model, Captioner(tensors, TinyModels.CaptionerConfig()));
    }

    [Fact]
    public void Tensors_that_carry_no_parameter_are_passed_over()
    {
        var model = new TinyModels().Captioner();
        var tensors = TransformersCheckpoint.Of(model);
        tensors["encoder.pooler.dense.weight"] = Tensor.FromFloats(new float[144], [12, 12]);
        tensors["decoder.transformer.h.0.attn.bias"] = Tensor.FromFloats(new float[100], [1, 1, 10, 10]);
        tensors["decoder.transformer.h.1.crossattention.masked_bias"] = Tensor.Scalar(-1e4f);
        ParameterAssert.Equal(model, Captioner(tensors, TinyModels.CaptionerConfig()));
    }

    [Theory]
    [InlineData("encoder.encoder.layer.", "encoder.layers.")]
    [InlineData("attention.attention.query", "attention.q_proj")]
    [InlineData("attention.output.dense", "attention.o_proj")]
    [InlineData("decoder.transformer.", "decoder.")]
    public void Names_of_other_versions_of_transformers_are_known(string old, string other)
    {
        var model = new TinyModels().Captioner();
        var tensors = TransformersCheckpoint.Of(model).ToDictionary(entry => entry.Key.Replace(old, other, StringComparison.Ordinal), entry => entry.Value);
        ParameterAssert.Equal(model, Captioner(tensors, TinyModels.CaptionerConfig()));
    }

    [Theory]
    [InlineData("Float16", 5e-4f)]
    [InlineData("BFloat16", 4e-3f)]
    public void Narrow_types_are_read_within_their_rounding(string name, float relative)
    {
        var (model, type) = (new TinyModels().Clip(), Enum.Parse<ElementType>(name));
        var narrow = TransformersCheckpoint.Of(model).ToDictionary(entry => entry.Key, entry => Tensor.FromFloats(entry.Value.ToFloats(), entry.Value.Dims, type));
        ParameterAssert.Equal(model, Read(ModelFamily.Clip, narrow, TinyModels.ClipConfig()), relative);
    }

    [Theory]
    [InlineData("encoder.encoder.layer.1.output.dense.weight")]
    [InlineData("decoder.transformer.h.0.crossattention.c_attn.weight")]
    [InlineData("encoder.encoder.layer.0.attention.attention.key.bias")]
    [InlineData("encoder.layernorm.bias")]
    [InlineData("enc_to_dec_proj.weight")]
    [InlineData("decoder.transformer.wpe.weight")]
    public void A_missing_tensor_is_named(string name)
    {
        var tensors = TransformersCheckpoint.Of(new TinyModels().Captioner());
        Assert.True(tensors.Remove(name));
        Assert.Contains($"tensor {name} is missing", Assert.Throws<InvalidDataException>(() => Captioner(tensors, TinyModels.CaptionerConfig())).Message);
    }

    [Fact]
    public void A_tensor_of_the_wrong_shape_is_named_with_both_shapes()
    {
        var tensors = TransformersCheckpoint.Of(new TinyModels().Captioner());
        tensors["decoder.transformer.h.1.mlp.c_fc.weight"] = Tensor.FromFloats(new float[160], [20, 8]);
        var error = Assert.Throws<InvalidDataException>(() => Captioner(tensors, TinyModels.CaptionerConfig()));
        Assert.Equal("tensor decoder.transformer.h.1.mlp.c_fc.weight is [20, 8], and config.json asks for [8, 20]", error.Message);
    }

    [Fact]
    public void A_tensor_that_is_not_known_is_named()
    {
        var tensors = TransformersCheckpoint.Of(new TinyModels().Captioner());
        tensors["decoder.transformer.h.0.attn.rotary"] = Tensor.Scalar(1f);
        Assert.Contains(
            "tensor decoder.transformer.h.0.attn.rotary is unknown",
            Assert.Throws<InvalidDataException>(() => Captioner(tensors, TinyModels.CaptionerConfig())).Message);
    }

    [Theory]
    [InlineData("\"vit\"", "\"deit\"", "encoder.model_type in config.json is deit; supported is vit")]
    [InlineData("\"n_head\": 2", "\"n_head\": 3", "is not a multiple of the number of heads")]
    [InlineData("\"n_head\": 2", "\"n_head\": 2, \"activation_function\": \"silu\"", "the activation silu")]
    [InlineData("\"patch_size\": 4", "\"patch_size\": 0", "encoder.patch_size in config.json is not")]
    [InlineData("\"n_layer\": 2", "\"n_layer\": 1", "tensor decoder.transformer.h.1.")]
    public void What_config_json_asks_for_and_can_not_be_is_named(string right, string wrong, string reason)
    {
        var config = TinyModels.CaptionerConfig();
        Assert.Contains(right, config);
        var error = Assert.ThrowsAny<Exception>(() =>
            Captioner(TransformersCheckpoint.Of(new TinyModels().Captioner()), config.Replace(right, wrong, StringComparison.Ordinal)));
        Assert.True(error is InvalidDataException or NotSupportedException);
        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void Scores_that_are_divided_by_the_blocks_number_are_so_by_smaller_queries()
    {
        var model = new TinyModels().Captioner();
        var config = TinyModels.CaptionerConfig().Replace("\"n_head\"", "\"scale_attn_by_inverse_layer_idx\": true, \"n_head\"", StringComparison.Ordinal);
        var read = (VisionEncoderDecoderParameters)Captioner(TransformersCheckpoint.Of(model), config);
        Assert.Equal(model.Decoder.Layers[0].Query.Weight.Values, read.Decoder.Layers[0].Query.Weight.Values);
        Assert.Equal(model.Decoder.Layers[1].Query.Weight.Values.Select(value => value / 2), read.Decoder.Layers[1].Query.Weight.Values);
        Assert.Equal(model.Decoder.Layers[1].CrossQuery.Bias!.Select(value => value / 2), read.Decoder.Layers[1].CrossQuery.Bias!);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private FamilyParameters Captioner(Dictionary<string, Tensor> tensors, string config) => Read(ModelFamily.VisionEncoderDecoder, tensors, config);

    private FamilyParameters Read(ModelFamily family, Dictionary<string, Tensor> tensors, string config)
    {
        TransformersCheckpoint.Write(_folder, tensors);
        return CheckpointModel.Read(_folder, family, JsonFile.Parse("config.json", Encoding.UTF8.GetBytes(config)));
    }
}
