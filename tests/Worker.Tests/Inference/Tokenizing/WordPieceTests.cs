using VlWorker.Inference.Tokenizing;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>BERT's pipeline, over a vocabulary small enough to see what must come out.</summary>
public sealed class WordPieceTests : IDisposable
{
    private static readonly string[] Vocabulary =
        ["[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "cafe", ",", "!", "a", "b", "##b", "中", "[", "]", "sep", "<", ">", "$"];

    private readonly TokenizerFolder _folder = new();
    private readonly HubTokenizer _tokenizer;

    public WordPieceTests()
    {
        var entries = string.Join(',', Vocabulary.Select((token, id) => $"\"{token}\":{id}"));
        File.WriteAllText(_folder["tokenizer.json"], $$"""
            {"added_tokens": [
               {"id": 0, "content": "[UNK]", "normalized": false, "special": true},
               {"id": 2, "content": "[SEP]", "normalized": false, "special": true},
               {"id": 19, "content": "<loc>", "normalized": false, "special": false},
               {"id": 20, "content": "new", "normalized": false, "special": false}],
             "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
             "pre_tokenizer": {"type": "BertPreTokenizer"},
             "post_processor": null,
             "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
             "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9, "vocab": { {{entries}} } } }
            """);
        _tokenizer = HubTokenizer.Load(_folder.Path);
    }

    [Theory]
    [InlineData("unaffable", "un ##aff ##able")]
    [InlineData("UNAFFABLE", "un ##aff ##able")]
    [InlineData("unaffablex", "[UNK]")] // too long
    [InlineData("unx a", "[UNK] a")] // the whole word is unknown, its beginning too
    [InlineData("café, Cafe\u0301!", "cafe , cafe !")]
    [InlineData("a\tb\u00A0a\u200Bb", "a b a ##b")] // white space splits; what has no width is not there
    [InlineData("a中b", "a 中 b")]
    [InlineData("a$b", "a $ b")]
    [InlineData("𝒳a", "[UNK]")]
    [InlineData("", "")]
    public void Words_fall_into_the_longest_pieces(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', _tokenizer.EncodeUserText(text).Select(id => _tokenizer.TokenOf(id))));

    [Theory]
    [InlineData("a[SEP]b", "a [ sep ] b")]
    [InlineData("<loc>new", "< [UNK] > new")] // markup of any kind is text; other added tokens are words
    public void What_looks_like_a_special_token_is_text_where_a_user_wrote_it(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', _tokenizer.EncodeUserText(text).Select(id => _tokenizer.TokenOf(id))));

    [Fact]
    public void Elsewhere_it_is_the_token() => Assert.Equal([9, 2, 19], _tokenizer.Encode("a[SEP]<loc>"));

    [Fact]
    public void Pieces_are_put_together_again() =>
        Assert.Equal("unaffable cafe, a!", _tokenizer.Decode([3, 4, 5, 2, 6, 7, 9, 8], skipSpecialTokens: true));

    public void Dispose() => _folder.Dispose();
}
