using System.Text;
using VlWorker.Inference.Tokenizing.Models;

namespace VlWorker.Inference.Tokenizing.Decoders;

/// <summary>Several decoders, one after the other.</summary>
internal sealed class DecoderSequence(TokenDecoder[] steps) : TokenDecoder
{
    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens) =>
        steps.Aggregate(tokens, static (current, step) => step.Rewrite(current));
}

/// <summary>Writes what stands for a space as a space; that of the first token is dropped where it was prepended.</summary>
internal sealed class MetaspaceDecoder(char space, bool prepended) : TokenDecoder
{
    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens) => tokens.Select((token, index) =>
    {
        var text = token.Replace(space, ' ');
        return prepended && index == 0 && text.StartsWith(' ') ? text[1..] : text;
    });
}

/// <summary>Replaces matches of a pattern in each token.</summary>
internal sealed class ReplaceDecoder(RuneRegex pattern, string content) : TokenDecoder
{
    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens) => tokens.Select(token => pattern.Replace(token, content));
}

/// <summary>Puts neighbouring tokens for single bytes together as UTF-8; where they are none, each byte becomes U+FFFD.</summary>
internal sealed class ByteFallbackDecoder : TokenDecoder
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            if (ByteTokens.Read(token) is { } value)
            {
                bytes.Add(value);
                continue;
            }

            if (bytes.Count > 0)
                yield return Text(bytes);
            bytes.Clear();
            yield return token;
        }

        if (bytes.Count > 0)
            yield return Text(bytes);
    }

    private static string Text(List<byte> bytes)
    {
        try
        {
            return Strict.GetString([.. bytes]);
        }
        catch (DecoderFallbackException)
        {
            return new string('\uFFFD', bytes.Count);
        }
    }
}

/// <summary>Makes one token of all.</summary>
internal sealed class FuseDecoder : TokenDecoder
{
    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens) => [string.Concat(tokens)];
}

/// <summary>Takes a character off the ends of each token, so many times at most.</summary>
internal sealed class StripDecoder(string content, int start, int stop) : TokenDecoder
{
    public override IEnumerable<string> Rewrite(IEnumerable<string> tokens) => tokens.Select(token =>
    {
        for (var i = 0; i < start && content.Length > 0 && token.StartsWith(content, StringComparison.Ordinal); i++)
            token = token[content.Length..];
        for (var i = 0; i < stop && content.Length > 0 && token.EndsWith(content, StringComparison.Ordinal); i++)
            token = token[..^content.Length];
        return token;
    });
}
