using System.Text.Json;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>The texts and captions of the golden files, as transformers tokenised and decoded them.</summary>
public sealed class HubTokenizerGoldenTests
{
    [Fact]
    public void Captions_of_the_GPT2_fixture_decode_as_in_transformers()
    {
        var tokenizer = TokenizerReference.Tokenizer("vit-gpt2-tiny");
        var cases = Golden("vit-gpt2-tiny").GetProperty("cases").EnumerateArray().ToArray();

        Assert.NotEmpty(cases);
        Assert.All(cases, golden =>
        {
            var text = tokenizer.Decode(Ids(golden.GetProperty("token_ids")), skipSpecialTokens: true);
            Assert.Equal(golden.GetProperty("text").GetString(), text);
        });
    }

    [Fact]
    public void Texts_of_the_CLIP_fixture_give_its_ids_cut_to_the_context_with_the_end_token_last()
    {
        var tokenizer = TokenizerReference.Tokenizer("clip-tiny");
        var texts = Golden("clip-tiny").GetProperty("texts").EnumerateArray().ToArray();

        Assert.Contains(texts, text => text.GetProperty("input_ids").GetArrayLength() == 77);
        Assert.All(texts, golden =>
        {
            var text = golden.GetProperty("text").GetString()!;
            var encoded = tokenizer.EncodeTruncated(text, tokenizer.ModelMaxLength!.Value);

            Assert.Equal(Ids(golden.GetProperty("input_ids")), encoded.Ids);
            Assert.Equal(tokenizer.Encode(text).Length > 77, encoded.Truncated);
        });
    }

    [Fact]
    public void Texts_and_captions_of_the_demo_models_are_as_in_transformers()
    {
        using var file = TokenizerReference.Unpack("golden-demo.json.br");
        using var golden = JsonDocument.Parse(file);
        var captioner = TokenizerReference.Tokenizer("demo-captioner");
        var clip = TokenizerReference.Tokenizer("demo-clip");

        Assert.All(golden.RootElement.GetProperty("captions").EnumerateArray(), caption =>
        {
            var text = captioner.Decode(Ids(caption.GetProperty("ids")), skipSpecialTokens: true);
            Assert.Equal(caption.GetProperty("text").GetString(), text);
        });
        Assert.All(golden.RootElement.GetProperty("texts").EnumerateArray(), text =>
            Assert.Equal(Ids(text.GetProperty("ids")), clip.Encode(text.GetProperty("text").GetString()!)));
    }

    private static JsonElement Golden(string name) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureArchive.Extract(name), "golden", "golden.json"))).RootElement;

    private static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];
}
