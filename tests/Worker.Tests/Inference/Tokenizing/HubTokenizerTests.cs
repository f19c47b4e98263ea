using System.Text;
using FsCheck.Xunit;
using VlWorker.Inference.Tokenizing;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

public sealed class HubTokenizerTests
{
    private const string EndOfText = "<|endoftext|>";

    [Property(MaxTest = 2000)]
    public void What_a_byte_level_tokenizer_encodes_it_decodes_again(string? text)
    {
        var tokenizer = TokenizerReference.Tokenizer("vit-gpt2-tiny");
        var wellFormed = string.Concat((text ?? "").EnumerateRunes());

        Assert.Equal(wellFormed, tokenizer.Decode(tokenizer.Encode(text ?? ""), skipSpecialTokens: false));
    }

    [Property(MaxTest = 2000)]
    public void So_it_does_for_any_code_points(int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (var length = random.Next(30); length > 0; length--)
            text.Append(new Rune(random.Next(2) == 0 ? random.Next(0xD800) : random.Next(0xE000, 0x110000)));

        var tokenizer = TokenizerReference.Tokenizer("demo-captioner");
        Assert.Equal(text.ToString(), tokenizer.Decode(tokenizer.Encode(text.ToString()), skipSpecialTokens: false));
    }

    [Property(MaxTest = 500)]
    public void Cutting_keeps_the_beginning_and_the_special_tokens(string? text, byte length)
    {
        var tokenizer = TokenizerReference.Tokenizer("clip-tiny");
        var maxLength = 2 + (length % 30);
        var whole = tokenizer.Encode(text ?? "");
        var cut = tokenizer.EncodeTruncated(text ?? "", maxLength);

        Assert.Equal(whole.Length > maxLength, cut.Truncated);
        Assert.Equal(whole.Length > maxLength ? [.. whole[..(maxLength - 1)], whole[^1]] : whole, cut.Ids);
    }

    [Fact]
    public void A_length_without_room_for_the_special_tokens_is_refused()
    {
        var tokenizer = TokenizerReference.Tokenizer("clip-tiny");

        Assert.Equal(new[] { 49406, 49407 }, tokenizer.EncodeTruncated("a cat", 2).Ids);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.EncodeTruncated("a cat", 1));
    }

    [Fact]
    public void Half_a_surrogate_pair_counts_as_the_replacement_character()
    {
        (string Text, string Same)[] cases =
            [("\uD800", "\uFFFD"), ("a\uDC00b", "a\uFFFDb"), ("\uDE00\uD83D", "\uFFFD\uFFFD"), ("😀\uD83D", "😀\uFFFD")];

        Assert.All(TokenizerReference.Names.Select(TokenizerReference.Tokenizer), tokenizer =>
            Assert.All(cases, pair => Assert.Equal(tokenizer.Encode(pair.Same), tokenizer.Encode(pair.Text))));
    }

    [Fact]
    public void Special_tokens_in_a_text_are_plain_text_on_request()
    {
        // Not for demo-clip: its small vocabulary lacks some bytes, and what it lacks becomes the end token.
        Assert.All(TokenizerReference.Names[..3], name =>
        {
            var tokenizer = TokenizerReference.Tokenizer(name);
            var end = tokenizer.Special.EndOfSequence!.Value;
            var text = $"a cat {EndOfText} a dog";

            Assert.Contains(end, tokenizer.Encode(text, addSpecialTokens: false));
            var plain = tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: false);
            Assert.DoesNotContain(end, plain);
            var cut = tokenizer.EncodeTruncated(text, 64, parseSpecialTokens: false);
            Assert.Equal(plain.Length + tokenizer.Encode("").Length, cut.Ids.Length);
        });
    }

    [Fact]
    public void Plain_special_tokens_survive_encoding_and_decoding()
    {
        var tokenizer = TokenizerReference.Tokenizer("vit-gpt2-tiny");
        var ids = tokenizer.Encode(EndOfText, parseSpecialTokens: false);

        Assert.Equal(EndOfText, tokenizer.Decode(ids, skipSpecialTokens: true));
        Assert.Equal("", tokenizer.Decode(tokenizer.Encode(EndOfText), skipSpecialTokens: true));
    }

    [Fact]
    public void A_character_cut_in_two_decodes_to_the_replacement_character()
    {
        var tokenizer = TokenizerReference.Tokenizer("vit-gpt2-tiny");
        var ids = tokenizer.Encode("🪐");

        Assert.True(ids.Length > 1);
        Assert.Equal("\uFFFD", tokenizer.Decode(ids.AsSpan(0, 1), skipSpecialTokens: true));
        Assert.Equal("🪐", tokenizer.Decode(ids, skipSpecialTokens: true));
    }

    [Fact]
    public void Roles_and_lengths_come_from_the_configuration()
    {
        var clip = TokenizerReference.Tokenizer("clip-tiny");
        Assert.Equal((49406, 49407, 49407), (clip.Special.BeginOfSequence, clip.Special.EndOfSequence, clip.Special.Padding));
        Assert.Null(clip.Special.Mask);
        Assert.Equal(77, clip.ModelMaxLength);
        Assert.Equal(1024, TokenizerReference.Tokenizer("vit-gpt2-tiny").ModelMaxLength);
        Assert.Equal("<|endoftext|>", clip.TokenOf(49407));
        Assert.Equal(320, clip.IdOf("a</w>"));
        Assert.Null(clip.IdOf("no such token"));
        Assert.Null(clip.TokenOf(49408));
    }

    [Fact]
    public async Task Threads_share_a_tokenizer()
    {
        var tokenizer = TokenizerReference.Tokenizer("clip-tiny");
        var texts = TokenizerReference.File.Texts;
        var expected = texts.Select(text => tokenizer.Encode(text)).ToArray();

        await Parallel.ForAsync(0, 4000, (i, _) =>
        {
            Assert.Equal(expected[i % texts.Length], tokenizer.Encode(texts[i % texts.Length]));
            return ValueTask.CompletedTask;
        });
    }

    [Fact]
    public void A_caption_costs_little_memory()
    {
        var tokenizer = TokenizerReference.Tokenizer("demo-clip");
        const string Caption = "a pea pod to the left of a ladybug on an orange background";
        for (var i = 0; i < 100; i++)
            tokenizer.Encode(Caption);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            tokenizer.Encode(Caption);

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 100, 0, 4096);
    }
}
