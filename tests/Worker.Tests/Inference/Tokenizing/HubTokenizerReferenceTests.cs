using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using VlWorker.Inference.Tokenizing;
using VlWorker.Inference.Tokenizing.Normalizers;
using VlWorker.Inference.Tokenizing.PreTokenizers;

namespace VlWorker.Worker.Tests.Inference.Tokenizing;

/// <summary>Everything is compared with what Hugging Face's own library gives.</summary>
public sealed class HubTokenizerReferenceTests
{
    public static TheoryData<string> Names => [.. TokenizerReference.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Texts_give_the_reference_ids(string name)
    {
        var tokenizer = TokenizerReference.Tokenizer(name);
        var reference = TokenizerReference.File.Tokenizers[name];

        Assert.Equal(reference.Size, tokenizer.VocabularySize);
        Assert.True(TokenizerReference.File.Texts.Length >= 200);
        Assert.All(TokenizerReference.File.Texts.Zip(reference.Texts), pair => Assert.Equal(pair.Second.Ids, tokenizer.Encode(pair.First)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Ids_give_the_reference_texts(string name)
    {
        var tokenizer = TokenizerReference.Tokenizer(name);
        var reference = TokenizerReference.File.Tokenizers[name];

        Assert.All(reference.Texts.Concat(reference.Decoded), expected =>
        {
            Assert.Equal(expected.Text, tokenizer.Decode(expected.Ids, skipSpecialTokens: true));
            Assert.Equal(expected.Full, tokenizer.Decode(expected.Ids, skipSpecialTokens: false));
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Long_texts_give_the_reference_ids_in_time(string name)
    {
        var tokenizer = TokenizerReference.Tokenizer(name);
        var cases = TokenizerReference.File.Long.Zip(TokenizerReference.File.Tokenizers[name].Long);

        Assert.All(cases, pair =>
        {
            var text = new StringBuilder().Insert(0, pair.First[0].GetString()!, pair.First[1].GetInt32()).ToString();
            var ids = tokenizer.Encode(text);

            Assert.Equal(pair.Second.Count, ids.Length);
            Assert.Equal(pair.Second.Sha256, Sha256(string.Join(',', ids)));

            // Some 20 ms on an idle core; looking for each merge anew takes 20 s and more. Three tries, for machines with other work.
            var times = Enumerable.Range(0, 3).Select(_ => TimeOf(() => tokenizer.Encode(text)));
            Assert.Contains(times, took => took < TimeSpan.FromSeconds(2));
        });
    }

    [Fact]
    public void Every_code_point_is_split_as_in_the_reference()
    {
        var preTokenizer = new ByteLevelPreTokenizer(addPrefixSpace: false, useRegex: true);
        using var work = new PreTokenizedText();
        var counts = AllCodePoints().Select(c =>
        {
            work.Reset($"a{c}1{c}!{c}");
            preTokenizer.Apply(work);
            return (char)('0' + work.Pieces.Length);
        });

        Assert.Equal(TokenizerReference.File.CodePoints["splits"], Sha256(string.Concat(counts)));
    }

    [Fact]
    public void Every_code_point_is_composed_as_in_the_reference()
    {
        var nfc = new NfcNormalizer();
        var all = new StringBuilder();
        foreach (var c in AllCodePoints())
            all.Append(nfc.Normalize($"e{c}\u0301\u0323{c}\u0345")).Append('\n');

        Assert.Equal(TokenizerReference.File.CodePoints["nfc"], Sha256(all.ToString()));
    }

    [Fact]
    public void Every_code_point_is_lower_cased_as_in_the_reference()
    {
        var lowercase = new LowercaseNormalizer();

        Assert.Equal(
            TokenizerReference.File.CodePoints["lower"],
            Sha256(string.Concat(AllCodePoints().Select(c => lowercase.Normalize(c.ToString())))));
    }

    private static TimeSpan TimeOf(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed;
    }

    private static IEnumerable<Rune> AllCodePoints() => Enumerable.Range(0, 0x110000).Where(Rune.IsValid).Select(code => new Rune(code));

    private static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
