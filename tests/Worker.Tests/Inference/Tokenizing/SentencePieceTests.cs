using System.Text.Json.Nodes;
using VlWorker.Inference.Tokenizing;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>Tokenizers that were trained with SentencePiece, beyond what the golden texts of a tiny model reach.</summary>
public sealed class SentencePieceTests : IDisposable
{
    private const int FirstByte = 5;

    private readonly TokenizerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a \u00E9", new[] { 2, 1, FirstByte + 0xC3, FirstByte + 0xA9 })]
    [InlineData(" ab", new[] { 4, 3 })]
    [InlineData("\uD83D\uDE00", new[] { FirstByte + 0xF0, FirstByte + 0x9F, FirstByte + 0x98, FirstByte + 0x80 })]
    public void Characters_that_are_no_tokens_become_their_bytes_and_are_read_back(string text, int[] ids)
    {
        var tokenizer = BytePairs();

        Assert.Equal(ids, tokenizer.Encode(text, addSpecialTokens: false));
        Assert.Equal(text, tokenizer.Decode(ids, skipSpecialTokens: true));
    }

    [Theory]
    [InlineData("a\tb", new[] { 2, FirstByte + 9, 3 })]
    [InlineData("\u00E9\u0007", new[] { FirstByte + 0xC3, FirstByte + 0xA9, 0 })] // no <0x07>: this character alone is unknown
    [InlineData("\u0007\u0007a", new[] { 0, 2 })]
    public void Where_a_byte_has_no_token_only_its_characters_are_unknown(string text, int[] ids)
    {
        // As in Gemma's file, the tabulator stands in the place of <0x09>.
        var tokenizer = BytePairs(value => value switch { 9 => "\t", 7 => "<none>", _ => $"<0x{value:X2}>" });
        Assert.Equal(ids, tokenizer.Encode(text, addSpecialTokens: false));
    }

    [Fact]
    public void Bytes_that_make_no_character_are_read_as_one_replacement_each() =>
        Assert.Equal("a\uFFFD\uFFFDb", BytePairs().Decode([2, FirstByte + 0xC3, FirstByte + 0xC3, 3], skipSpecialTokens: true));

    [Theory]
    [InlineData("abc", new[] { 5, 3 })]
    [InlineData("ab", new[] { 4, 2 })]
    [InlineData("xyz", new[] { 4, 0 })]
    [InlineData("abxa", new[] { 4, 2, 0, 1 })]
    public void The_cut_with_the_highest_sum_of_scores_wins_and_unknown_neighbours_count_as_one(string text, int[] ids)
    {
        var tokenizer = Unigrams();

        Assert.Equal(ids, tokenizer.Encode(text, addSpecialTokens: false));
    }

    [Fact]
    public void A_long_word_takes_no_quadratic_time()
    {
        var ids = Unigrams().Encode(new string('a', 65_536), addSpecialTokens: false);
        Assert.Equal(65_536, ids.Length);
    }

    private HubTokenizer BytePairs(Func<int, string>? byteToken = null)
    {
        var vocabulary = new JsonObject { ["<unk>"] = 0, ["\u2581"] = 1, ["a"] = 2, ["b"] = 3, ["\u2581a"] = 4 };
        for (var value = 0; value < 256; value++)
            vocabulary[byteToken?.Invoke(value) ?? $"<0x{value:X2}>"] = FirstByte + value;
        return Load(new JsonObject
        {
            ["normalizer"] = JsonNode.Parse("""{ "type": "Replace", "pattern": { "String": " " }, "content": "\u2581" }"""),
            ["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious", "invert": false }"""),
            ["decoder"] = JsonNode.Parse("""
                { "type": "Sequence", "decoders": [
                  { "type": "Replace", "pattern": { "String": "\u2581" }, "content": " " }, { "type": "ByteFallback" }, { "type": "Fuse" } ] }
                """),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = JsonNode.Parse("""[["\u2581", "a"]]"""),
                ["unk_token"] = "<unk>",
                ["byte_fallback"] = true,
                ["fuse_unk"] = true,
            },
        });
    }

    // <unk> 0, a 1, ab 2, bc 3, the space 4, the space with a 5.
    private HubTokenizer Unigrams() => Load(new JsonObject
    {
        ["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true }"""),
        ["decoder"] = JsonNode.Parse("""{ "type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always" }"""),
        ["model"] = JsonNode.Parse("""
            { "type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -2], ["ab", -1], ["bc", -1], ["\u2581", -1.5], ["\u2581a", -3]] }
            """),
    });

    private HubTokenizer Load(JsonObject json)
    {
        File.Delete(_folder["tokenizer_config.json"]);
        File.Delete(_folder["special_tokens_map.json"]);
        File.WriteAllText(_folder["tokenizer.json"], json.ToJsonString());
        return HubTokenizer.Load(_folder.Path);
    }
}
