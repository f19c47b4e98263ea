using System.Text.Json.Nodes;
using VlWorker.Inference.Tokenizing;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>Components and settings that the bundled tokenizers don't use, compared with Hugging Face's own library.</summary>
public sealed class TokenizerComponentTests
{
    public static TheoryData<string> Titles => [.. TokenizerReference.File.Variants.Select(variant => variant.Title)];

    [Theory]
    [MemberData(nameof(Titles))]
    public void A_changed_pipeline_gives_the_reference_ids_and_texts(string title)
    {
        var variant = TokenizerReference.File.Variants.Single(variant => variant.Title == title);
        using var folder = new TokenizerFolder();
        folder.Patch(variant.Patch);
        File.Delete(folder["tokenizer_config.json"]);
        File.Delete(folder["special_tokens_map.json"]);
        var tokenizer = HubTokenizer.Load(folder.Path);

        Assert.All(TokenizerReference.File.VariantTexts.Zip(variant.Texts), pair =>
        {
            Assert.Equal(pair.Second.Ids, tokenizer.Encode(pair.First));
            if (variant.EncodeOnly)
                return;
            Assert.Equal(pair.Second.Text, tokenizer.Decode(pair.Second.Ids, skipSpecialTokens: true));
            Assert.Equal(pair.Second.Full, tokenizer.Decode(pair.Second.Ids, skipSpecialTokens: false));
        });
    }

    [Fact]
    public void Merges_may_be_written_as_one_text_each()
    {
        using var folder = new TokenizerFolder();
        folder.Change(json => json["model"]!["merges"] = new JsonArray(
            [.. json["model"]!["merges"]!.AsArray().Select(pair => JsonValue.Create($"{pair![0]} {pair[1]}"))]));
        var tokenizer = HubTokenizer.Load(folder.Path);

        var reference = TokenizerReference.File.Tokenizers["demo-captioner"].Texts;
        Assert.All(TokenizerReference.File.Texts.Zip(reference), pair => Assert.Equal(pair.Second.Ids, tokenizer.Encode(pair.First)));
    }

    [Theory]
    [InlineData("clean_up_tokenization_spaces", true, "It's a cat, isn't it? Yes!")]
    [InlineData("clean_up_tokenization_spaces", false, "It 's a cat , is n't it ? Yes !")]
    public void Spaces_before_punctuation_go_where_the_configuration_says_so(string setting, bool value, string expected)
    {
        using var folder = new TokenizerFolder();
        File.WriteAllText(folder["tokenizer_config.json"], new JsonObject { [setting] = value }.ToJsonString());
        var tokenizer = HubTokenizer.Load(folder.Path);

        Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode("It 's a cat , is n't it ? Yes !"), skipSpecialTokens: true));
    }

    [Fact]
    public void A_folder_with_tokenizer_json_alone_is_enough()
    {
        using var folder = new TokenizerFolder();
        File.Delete(folder["tokenizer_config.json"]);
        File.Delete(folder["special_tokens_map.json"]);
        var tokenizer = HubTokenizer.Load(folder.Path);

        Assert.Null(tokenizer.ModelMaxLength);
        Assert.Null(tokenizer.Special.EndOfSequence);
        Assert.Equal(TokenizerReference.Tokenizer("demo-captioner").Encode("a cat"), tokenizer.Encode("a cat"));
    }

    [Fact]
    public void Roles_come_from_special_tokens_map_where_the_configuration_has_none()
    {
        using var folder = new TokenizerFolder();
        File.WriteAllText(folder["tokenizer_config.json"], """{ "model_max_length": 1000000000000000019884624838656 }""");
        var tokenizer = HubTokenizer.Load(folder.Path);

        Assert.Equal(0, tokenizer.Special.EndOfSequence);
        Assert.Null(tokenizer.ModelMaxLength);
    }
}
