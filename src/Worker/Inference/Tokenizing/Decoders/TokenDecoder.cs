using System.Text;
using VlWorker.Inference.Tokenizing.PreTokenizers;

namespace VlWorker.Inference.Tokenizing.Decoders;

/// <summary>The "decoder" of tokenizer.json: puts tokens together to a text. Thread-safe.</summary>
internal abstract class TokenDecoder
{
    /// <summary>Builds the decoder that a tokenizer file describes; without one, tokens are joined by spaces.</summary>
    /// <exception cref="NotSupportedException">A type that is not known here.</exception>
    public static TokenDecoder Create(TokenizerJson? json)
    {
        if (json is not { } decoder)
            return new SpaceJoiningDecoder();
        var type = decoder.Required("type");
        return type.Text() switch
        {
            "ByteLevel" => new ByteLevelDecoder(),
            "Metaspace" => new MetaspaceDecoder(MetaspacePreTokenizer.SpaceOf(decoder), decoder.OptionalText("prepend_scheme") != "never"),
            "Sequence" => new DecoderSequence([.. decoder.Required("decoders").Items().Select(step => Create(step))]),
            "Replace" => new ReplaceDecoder(RuneRegex.Create(decoder.Required("pattern")), decoder.Required("content").Text()),
            "ByteFallback" => new ByteFallbackDecoder(),
            "Fuse" => new FuseDecoder(),
            "Strip" => new StripDecoder(decoder.Required("content").Text(), decoder.Required("start").Id(), decoder.Required("stop").Id()),
            "WordPiece" => WordPieceDecoder.Create(decoder),
            var other => throw type.Unsupported($"decoder {other}"),
        };
    }

    /// <summary>The text of tokens.</summary>
    public string Decode(IEnumerable<string> tokens) => string.Concat(Rewrite(tokens));

    /// <summary>Parts of the text, which follow each other without anything between; the next decoder of a sequence takes them as tokens.</summary>
    public abstract IEnumerable<string> Rewrite(IEnumerable<string> tokens);
}

/// <summary>What stands in for a decoder where the file has none.</summary>
internal sealed class SpaceJoiningDecoder : TokenDecoder
{
    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens) => [string.Join(' ', tokens)];
}

/// <summary>
/// Reads tokens of the byte alphabet as UTF-8. Bytes that are no valid UTF-8 (a character cut in two by the end of a generation) become
/// U+FFFD, one for each longest beginning of a valid sequence, as in transformers.
/// </summary>
internal sealed class ByteLevelDecoder : TokenDecoder
{
    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens)
    {
        using var bytes = new RentedList<byte>();
        foreach (var token in tokens)
            ByteAlphabet.Read(token, bytes);
        return [Encoding.UTF8.GetString(bytes.Span)];
    }
}
