using System.Text.Json.Nodes;
using VlWorker.Inference.Tokenizing;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>Damaged, hostile or unsupported files: the error says what is wrong and where.</summary>
public sealed class TokenizerFileTests
{
    public static TheoryData<string, string, string> Malformed => new()
    {
        { "model", "null", "has no \"model\"" },
        { "model", "[]", "model is not an object" },
        { "model", """{ "type": "BPE", "merges": [] }""", "has no \"vocab\"" },
        { "model", """{ "type": "BPE", "vocab": {}, "merges": [] }""", "vocab is empty" },
        { "model", """{ "type": "BPE", "vocab": ["a"], "merges": [] }""", "vocab is not a map" },
        { "model", """{ "type": "BPE", "vocab": { "a": -1 }, "merges": [] }""", "\"a\" the id -1" },
        { "model", """{ "type": "BPE", "vocab": { "a": 99999999999 }, "merges": [] }""", "99999999999" },
        { "model", """{ "type": "BPE", "vocab": { "a": "1" }, "merges": [] }""", "\"a\" the id \"1\"" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1.5 }, "merges": [] }""", "1.5" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 } }""", "has no \"merges\"" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": {} }""", "merges is not a list" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": [["a", "b"]] }""", "\"b\", which is not in the vocabulary" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": [["a", "a"]] }""", "\"aa\", which is not in the vocabulary" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": [["a"]] }""", "[0] is no pair" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": ["a a a"] }""", "[0] is no pair" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": [["a", 1]] }""", "[0] is no pair" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": [], "unk_token": "u" }""", "\"u\" is not in the vocabulary" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": [], "fuse_unk": 1 }""", "fuse_unk is neither true nor false" },
        { "model", """{ "type": 5, "vocab": { "a": 1 }, "merges": [] }""", "type is no text" },
        { "model", """{ "type": "Unigram", "vocab": [] }""", "vocab is empty" },
        { "model", """{ "type": "Unigram", "vocab": [["a", "b"]] }""", "[0] is no token with a score" },
        { "model", """{ "type": "Unigram", "vocab": [["a", 0]], "unk_id": 1 }""", "unk_id is not in the vocabulary" },
        { "normalizer", """{ "type": "Precompiled" }""", "has no \"precompiled_charsmap\"" },
        { "normalizer", """{ "type": "Precompiled", "precompiled_charsmap": "%" }""", "precompiled_charsmap is no base64" },
        { "normalizer", """{ "type": "Precompiled", "precompiled_charsmap": "/////w==" }""", "precompiled_charsmap is cut off" },
        { "pre_tokenizer", """{ "type": "Metaspace", "replacement": "__" }""", "no single character" },
        { "pre_tokenizer", "{}", "pre_tokenizer has no \"type\"" },
        { "pre_tokenizer", """{ "type": "Sequence", "pretokenizers": {} }""", "pretokenizers is not a list" },
        { "added_tokens", """[{ "id": 0 }]""", "added_tokens[0] has no \"content\"" },
        { "added_tokens", """[{ "id": -5, "content": "x" }]""", "added_tokens[0]: id" },
        { "post_processor", """{ "type": "RobertaProcessing", "cls": ["x", 1] }""", "has no \"sep\"" },
        { "post_processor", """{ "type": "RobertaProcessing", "cls": ["x"], "sep": ["x", 1] }""", "cls is no pair" },
    };

    public static TheoryData<string, string, string> Unsupported => new()
    {
        { "model", """{ "type": "WordLevel", "vocab": { "a": 1 } }""", "model WordLevel" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": [], "dropout": 0.1 }""", "dropout" },
        { "model", """{ "type": "BPE", "vocab": { "a": 1 }, "merges": [], "continuing_subword_prefix": "##" }""", "prefix \"##\"" },
        { "normalizer", """{ "type": "Sequence", "normalizers": [{ "type": "Bogus" }] }""", "normalizers[0]: type: normalizer Bogus" },
        { "pre_tokenizer", """{ "type": "Metaspace", "prepend_scheme": "first" }""", "prepend_scheme first" },
        { "pre_tokenizer", """{ "type": "Split", "pattern": { "Regex": "[[:alpha:]]+" }, "behavior": "Isolated" }""", "[[:alpha:]]+" },
        { "pre_tokenizer", """{ "type": "Split", "pattern": { "Regex": "(" }, "behavior": "Isolated" }""", "expression (" },
        { "pre_tokenizer", """{ "type": "Split", "pattern": { "Regex": "a" }, "behavior": "Bogus" }""", "behaviour Bogus" },
        { "post_processor", """{ "type": "Bogus" }""", "post-processor Bogus" },
        { "post_processor", """{ "type": "TemplateProcessing", "single": [], "special_tokens": {} }""", "0 places for the text" },
        { "decoder", """{ "type": "BPEDecoder" }""", "decoder BPEDecoder" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_part_is_named(string part, string json, string complaint)
    {
        using var folder = new TokenizerFolder();
        folder.Change(tokenizer => tokenizer[part] = JsonNode.Parse(json));

        var error = Assert.Throws<InvalidDataException>(() => HubTokenizer.Load(folder.Path));
        Assert.Contains(complaint, error.Message);
        Assert.Contains("tokenizer", error.Message);
    }

    [Theory]
    [MemberData(nameof(Unsupported))]
    public void A_part_that_is_not_supported_is_named(string part, string json, string complaint)
    {
        using var folder = new TokenizerFolder();
        folder.Change(tokenizer => tokenizer[part] = JsonNode.Parse(json));

        var error = Assert.Throws<NotSupportedException>(() => HubTokenizer.Load(folder.Path));
        Assert.Contains(complaint, error.Message);
        Assert.Contains("tokenizer.json", error.Message);
    }

    [Fact]
    public void A_token_of_half_a_surrogate_pair_is_an_error()
    {
        using var folder = new TokenizerFolder();
        File.WriteAllText(folder["tokenizer.json"], """{ "model": { "type": "BPE", "vocab": { "\ud800": 1 }, "merges": [] } }""");

        Assert.Contains("no valid text", Assert.Throws<InvalidDataException>(() => HubTokenizer.Load(folder.Path)).Message);
    }

    [Fact]
    public void A_folder_without_tokenizer_json_is_named()
    {
        using var folder = new TokenizerFolder();
        File.Delete(folder["tokenizer.json"]);

        Assert.Contains(folder["tokenizer.json"], Assert.Throws<FileNotFoundException>(() => HubTokenizer.Load(folder.Path)).Message);
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("special_tokens_map.json")]
    public void A_file_cut_off_anywhere_is_an_error_of_its_own(string file)
    {
        using var folder = new TokenizerFolder();
        var whole = File.ReadAllBytes(folder[file]);
        for (var eighth = 0; eighth < 8; eighth++)
        {
            File.WriteAllBytes(folder[file], whole[..(whole.Length * eighth / 8)]);
            Assert.Contains($"{file} is damaged", Assert.Throws<InvalidDataException>(() => HubTokenizer.Load(folder.Path)).Message);
        }
    }

    [Theory]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("\"text\"", "is not a JSON object")]
    [InlineData("not json", "is damaged")]
    public void A_file_of_something_else_is_named(string content, string complaint)
    {
        using var folder = new TokenizerFolder();
        File.WriteAllText(folder["tokenizer.json"], content);

        Assert.Contains(complaint, Assert.Throws<InvalidDataException>(() => HubTokenizer.Load(folder.Path)).Message);
    }

    [Fact]
    public void A_file_nested_without_end_is_an_error_and_no_crash()
    {
        using var folder = new TokenizerFolder();
        File.WriteAllText(folder["tokenizer.json"], new string('[', 200_000));

        Assert.Contains("is damaged", Assert.Throws<InvalidDataException>(() => HubTokenizer.Load(folder.Path)).Message);
    }
}
