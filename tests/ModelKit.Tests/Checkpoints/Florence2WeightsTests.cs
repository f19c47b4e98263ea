using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using VlWorker.ModelKit.Tests.Parameters;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.ModelKit.Tests.Checkpoints;

/// <summary>Florence-2's checkpoints come under two sets of names and with two forms of config.json.</summary>
public sealed class Florence2WeightsTests : IDisposable
{
    // What transformers 4.57 calls a part, and what the published models call it; the longer names first.
    private static readonly (string Native, string Published)[] Names =
    [
        ("model.multi_modal_projector.image_position_embed.", "image_pos_embed."),
        ("model.multi_modal_projector.image_projection.weight", "image_projection"),
        ("model.multi_modal_projector.", ""),
        ("model.language_model.", "language_model.model."),
        ("lm_head.", "language_model.lm_head."),
        (".conv.", ".proj."),
        (".conv1.", ".conv1.fn.dw."),
        (".conv2.", ".conv2.fn.dw."),
        (".spatial_block.norm1.", ".spatial_block.window_attn.norm."),
        (".channel_block.norm1.", ".channel_block.channel_attn.norm."),
        (".norm2.", ".ffn.norm."),
        (".window_attn.qkv.", ".window_attn.fn.qkv."),
        (".window_attn.proj.", ".window_attn.fn.proj."),
        (".channel_attn.qkv.", ".channel_attn.fn.qkv."),
        (".channel_attn.proj.", ".channel_attn.fn.proj."),
        (".ffn.fc1.", ".ffn.fn.net.fc1."),
        (".ffn.fc2.", ".ffn.fn.net.fc2."),
        ("model.vision_tower.", "vision_tower."),
    ];

    private readonly string _fixture = FixtureArchive.Extract("florence-2");
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-florence-").FullName;

    [Fact]
    public void Both_forms_of_config_json_say_the_same() => ParameterAssert.Equal(
        Read(_fixture, Config(_fixture)), Read(_fixture, Config(Path.Combine(_fixture, "golden", "native"))));

    [Fact]
    public void Published_names_are_known()
    {
        var tensors = Tensors().ToDictionary(entry => Published(entry.Key), entry => entry.Value);
        // A bare matrix, [in, out].
        var projection = tensors["image_projection"];
        var matrix = new Matrix((int)projection.Dims[0], (int)projection.Dims[1], projection.ToFloats()).Transpose();
        tensors["image_projection"] = Tensor.FromFloats(matrix.Values, [matrix.Rows, matrix.Columns]);
        tensors["language_model.final_logits_bias"] = Tensor.FromFloats(new float[1666], [1, 1666]);
        Assert.DoesNotContain(tensors.Keys, name => name.StartsWith("model.", StringComparison.Ordinal));
        ParameterAssert.Equal(Read(_fixture, Config(_fixture)), Written(tensors));
    }

    [Fact]
    public void Tied_embeddings_may_be_stored_once()
    {
        var tensors = Tensors();
        foreach (var name in new[] { "model.language_model.encoder.embed_tokens.weight", "model.language_model.decoder.embed_tokens.weight", "lm_head.weight" })
            Assert.True(tensors.Remove(name));
        var read = (Florence2Parameters)Written(tensors);
        Assert.Same(read.Text.Encoder.TokenEmbedding, read.Text.Decoder.TokenEmbedding);
        Assert.Same(read.Text.Encoder.TokenEmbedding, read.Text.Head);
    }

    [Theory]
    [InlineData("model.vision_tower.blocks.2.0.channel_block.conv2.weight")]
    [InlineData("model.language_model.decoder.layers.1.encoder_attn.k_proj.bias")]
    [InlineData("model.multi_modal_projector.image_position_embed.row_embeddings.weight")]
    public void A_missing_tensor_is_named(string name)
    {
        var tensors = Tensors();
        Assert.True(tensors.Remove(name));
        Assert.Equal($"tensor {name} is missing", Assert.Throws<InvalidDataException>(() => Written(tensors)).Message);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Published(string name) =>
        Names.Aggregate(name, static (current, pair) => current.Replace(pair.Native, pair.Published, StringComparison.Ordinal));

    private static JsonFile Config(string folder) => JsonFile.Read(folder, "config.json", [])!;

    private static FamilyParameters Read(string folder, JsonFile config) => CheckpointModel.Read(folder, ModelFamily.Florence2, config);

    private Dictionary<string, Tensor> Tensors()
    {
        using var checkpoint = Checkpoint.Open(_fixture);
        return checkpoint.Names.ToDictionary(name => name, name => Tensor.FromFloats(checkpoint.ReadFloats(name), checkpoint.Find(name).Dims));
    }

    private FamilyParameters Written(Dictionary<string, Tensor> tensors)
    {
        SafetensorsWriter.Write(Path.Combine(_folder, Checkpoint.SingleFile), [.. tensors.Select(entry => (entry.Key, entry.Value))]);
        File.Copy(Path.Combine(_fixture, "preprocessor_config.json"), Path.Combine(_folder, "preprocessor_config.json"));
        return Read(_folder, Config(_fixture));
    }
}
