using System.Text;

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
            var other => throw type.Unsupported($"decoder {other}"),
        };
    }

    public abstract string Decode(IEnumerable<string> tokens);
}

/// <summary>What stands in for a decoder where the file has none.</summary>
internal sealed class SpaceJoiningDecoder : TokenDecoder
{
    public override string Decode(IEnumerable<string> tokens) => string.Join(' ', tokens);
}

/// <summary>
/// Reads tokens of the byte alphabet as UTF-8. Bytes that are no valid UTF-8 (a character cut in two by the end of a generation) become
/// U+FFFD, one for each longest beginning of a valid sequence, as in transformers.
/// </summary>
internal sealed class ByteLevelDecoder : TokenDecoder
{
    public override string Decode(IEnumerable<string> tokens)
    {
        using var bytes = new RentedList<byte>();
        foreach (var token in tokens)
            ByteAlphabet.Read(token, bytes);
        return Encoding.UTF8.GetString(bytes.Span);
    }
}
