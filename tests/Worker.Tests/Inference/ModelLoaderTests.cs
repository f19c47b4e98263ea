using System.Text.Json.Nodes;
using VlWorker.Inference;
using VlWorker.ModelKit;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference;

public sealed class ModelLoaderTests : IDisposable
{
    private readonly string _folder = ModelFolders.CopyWithout(FixtureArchive.Extract("vit-gpt2-tiny"), "onnx/decoder_model_merged.onnx");

    [Fact]
    public void A_loaded_model_says_what_it_is()
    {
        using var model = Load();
        Assert.Equal(("tiny", ModelFolder.Open(_folder).ComputeRevision()), (model.Reference.Alias, model.Reference.Revision));
        Assert.Equal(["caption"], model.Tasks);
        Assert.False(model.EmbedsText || model.TakesPrompt);
        Assert.Equal((224, 224), (model.Images!.Resize.Width, model.Images.Resize.Height));
    }

    [Fact]
    public void A_damaged_graph_is_an_error_of_the_folder()
    {
        File.WriteAllText(Path.Combine(_folder, "onnx", "encoder_model.onnx"), "not a graph");
        Assert.Contains("encoder_model.onnx", Error().Message);
    }

    [Fact]
    public void A_graph_of_another_kind_is_an_error_of_the_folder()
    {
        File.Copy(Path.Combine(_folder, "onnx", "encoder_model.onnx"), Path.Combine(_folder, "onnx", "decoder_model.onnx"), true);
        Assert.Contains("decoder_model.onnx", Error().Message);
    }

    [Theory]
    [InlineData("eos_token_id", 50257, "tokens 50257 of the generation settings are outside the vocabulary of 50257")]
    [InlineData("decoder_start_token_id", -1, "tokens -1 of")]
    [InlineData("do_sample", true, "do_sample in generation_config.json is not supported")]
    public void Generation_settings_that_do_not_fit_are_errors_of_the_folder(string name, object value, string message)
    {
        Change("generation_config.json", json => json[name] = JsonValue.Create(value));
        Assert.Contains(message, Error().Message);
    }

    [Fact]
    public void A_decoder_without_a_stated_context_is_an_error_of_the_folder()
    {
        Change("config.json", json => json["decoder"]!.AsObject().Remove("n_positions"));
        Assert.Contains("n_positions", Error().Message);
    }

    [Fact]
    public void Images_of_the_wrong_size_are_an_error_of_the_folder()
    {
        Change("preprocessor_config.json", json => json["size"] = new JsonObject { ["height"] = 32, ["width"] = 32 });
        Assert.NotEmpty(Error().Errors);
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private IModel Load() => ModelLoader.Load("tiny", _folder, new ModelOptions());

    private ModelFolderException Error() => Assert.Throws<ModelFolderException>(() => Load().Dispose());

    private void Change(string file, Action<JsonNode> change) => ModelFolders.Change(_folder, file, change);
}
