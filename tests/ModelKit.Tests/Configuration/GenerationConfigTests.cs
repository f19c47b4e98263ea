using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Tests.Configuration;

public sealed class GenerationConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlworker-generation-").FullName;

    public GenerationConfigTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "onnx"));
        foreach (var name in (string[])["preprocessor_config.json", "tokenizer.json", "onnx/encoder_model.onnx", "onnx/decoder_model_merged.onnx"])
            File.WriteAllText(Path.Combine(_folder, name), "{}");
    }

    [Fact]
    public void All_settings_are_read()
    {
        var config = Load(generation: """
            {"max_length": 32, "max_new_tokens": 9, "min_length": 3, "min_new_tokens": 2, "num_beams": 4, "length_penalty": 0.8, "early_stopping": true,
             "no_repeat_ngram_size": 3, "repetition_penalty": 1.3, "num_return_sequences": 2, "eos_token_id": [5, 6], "decoder_start_token_id": 7,
             "forced_bos_token_id": 8, "forced_eos_token_id": 9}
            """);
        Assert.Equal([5, 6], config.EndTokens);
        Assert.Equal(
            new GenerationConfig
            {
                MaxLength = 32,
                MaxNewTokens = 9,
                MinLength = 3,
                MinNewTokens = 2,
                NumBeams = 4,
                LengthPenalty = 0.8,
                EarlyStopping = EarlyStopping.Always,
                NoRepeatNgramSize = 3,
                RepetitionPenalty = 1.3,
                NumReturnSequences = 2,
                EndTokens = config.EndTokens,
                StartToken = 7,
                ForcedFirstToken = 8,
                ForcedLastToken = 9,
            },
            config);
    }

    [Theory]
    [InlineData("false", EarlyStopping.Heuristic)]
    [InlineData("true", EarlyStopping.Always)]
    [InlineData("\"never\"", EarlyStopping.Never)]
    public void Early_stopping_has_three_values(string value, EarlyStopping expected) =>
        Assert.Equal(expected, Load(generation: $$"""{"early_stopping": {{value}}}""").EarlyStopping);

    [Fact]
    public void A_maximum_length_of_twenty_means_not_set() => Assert.Null(Load(generation: """{"max_length": 20}""").MaxLength);

    [Fact]
    public void The_begin_token_starts_a_decoder_that_names_no_other() =>
        Assert.Equal(11, Load(generation: """{"bos_token_id": 11}""").StartToken);

    [Fact]
    public void Without_a_generation_file_the_models_file_and_its_decoder_part_are_read()
    {
        var config = Load(config: """
            {"model_type": "vision-encoder-decoder", "max_length": 20, "num_beams": 2, "length_penalty": 1.0, "early_stopping": false, "eos_token_id": null,
             "decoder": {"max_length": 30, "num_beams": 5, "length_penalty": 2.0, "early_stopping": true, "eos_token_id": 3, "bos_token_id": 4}}
            """);
        Assert.Equal((30, 2, 2.0, EarlyStopping.Always, 4), (config.MaxLength, config.NumBeams, config.LengthPenalty, config.EarlyStopping, config.StartToken));
        Assert.Equal([3], config.EndTokens);
    }

    [Fact]
    public void Where_the_text_model_is_not_called_decoder_its_part_is_read_too()
    {
        var config = Load(config: """
            {"model_type": "vision-encoder-decoder", "bos_token_id": 0, "eos_token_id": null,
             "text_config": {"num_beams": 3, "no_repeat_ngram_size": 3, "early_stopping": true, "eos_token_id": 2, "decoder_start_token_id": 2}}
            """);
        Assert.Equal((3, 3, EarlyStopping.Always, 2), (config.NumBeams, config.NoRepeatNgramSize, config.EarlyStopping, config.StartToken));
        Assert.Equal([2], config.EndTokens);
    }

    [Fact]
    public void With_a_generation_file_the_models_file_is_not_read() => Assert.Equal(1, Load(
        config: """{"model_type": "vision-encoder-decoder", "num_beams": 7}""", generation: "{}").NumBeams);

    [Fact]
    public void What_is_not_supported_is_refused_and_not_ignored()
    {
        var error = Assert.Throws<ModelFolderException>(() => Load(generation: """
            {"do_sample": true, "suppress_tokens": [1], "num_beam_groups": 2, "bad_words_ids": null}
            """));
        Assert.Equal(3, error.Errors.Count);
        Assert.All(["do_sample", "suppress_tokens", "num_beam_groups"], name => Assert.Contains(name, error.Message));
    }

    [Theory]
    [InlineData("""{"num_beams": "four"}""", "num_beams in generation_config.json is not an integer")]
    [InlineData("""{"num_beams": 1.5}""", "num_beams in generation_config.json is not an integer")]
    [InlineData("""{"eos_token_id": [1, "x"]}""", "eos_token_id in generation_config.json is not a list of integers")]
    [InlineData("""{"early_stopping": 3}""", "early_stopping in generation_config.json is none of")]
    public void A_value_of_the_wrong_kind_is_named(string generation, string error) =>
        Assert.Contains(error, Assert.Throws<ModelFolderException>(() => Load(generation: generation)).Message);

    public void Dispose() => Directory.Delete(_folder, true);

    private GenerationConfig Load(string config = """{"model_type": "vision-encoder-decoder"}""", string? generation = null)
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), config);
        if (generation is not null)
            File.WriteAllText(Path.Combine(_folder, "generation_config.json"), generation);
        return GenerationConfig.Load(ModelFolder.Open(_folder));
    }
}
