using System.Buffers;
using System.Text;

namespace VlWorker.Inference.Tokenizing.Normalizers;

/// <summary>The "normalizer" of tokenizer.json: rewrites a text before it is split. Thread-safe; the text has no lone surrogates.</summary>
internal abstract class TextNormalizer
{
    /// <summary>Builds the normalizer that a tokenizer file describes.</summary>
    /// <exception cref="NotSupportedException">A type that is not known here.</exception>
    public static TextNormalizer Create(TokenizerJson json)
    {
        var type = json.Required("type");
        return type.Text() switch
        {
            "Sequence" => new NormalizerSequence([.. json.Required("normalizers").Items().Select(Create)]),
            "NFC" => new NfcNormalizer(),
            "BertNormalizer" => BertNormalizer.Create(json),
            "Lowercase" => new LowercaseNormalizer(),
            "Strip" => new StripNormalizer(json.FlagOr("strip_left", true), json.FlagOr("strip_right", true)),
            "Prepend" => new PrependNormalizer(json.Required("prepend").Text()),
            "Precompiled" => CharacterMap.Read(json.Required("precompiled_charsmap")),
            "Replace" => new ReplaceNormalizer(RuneRegex.Create(json.Required("pattern")), json.Required("content").Text()),
            var other => throw type.Unsupported($"normalizer {other}"),
        };
    }

    /// <summary>Builds that of a tokenizer; null where it has none.</summary>
    /// <param name="json">The "normalizer" of tokenizer.json.</param>
    /// <param name="config">tokenizer_config.json.</param>
    /// <exception cref="NotSupportedException">A type that is not known here.</exception>
    public static TextNormalizer? Create(TokenizerJson? json, TokenizerJson? config)
    {
        var normalizer = json is { } given ? Create(given) : null;
        // SigLIP 2 learned from texts in lower case. Its own class in transformers puts that in front; Gemma's class, and the file, do not.
        return config?.OptionalText("tokenizer_class") is "Siglip2Tokenizer" or "Siglip2TokenizerFast"
            ? new NormalizerSequence(normalizer is null ? [new LowercaseNormalizer()] : [new LowercaseNormalizer(), normalizer])
            : normalizer;
    }

    public abstract string Normalize(string text);
}

/// <summary>Several normalizers, one after the other.</summary>
internal sealed class NormalizerSequence(TextNormalizer[] steps) : TextNormalizer
{
    public override string Normalize(string text) => steps.Aggregate(text, (current, step) => step.Normalize(current));
}

/// <summary>Unicode's canonical composition.</summary>
internal sealed class NfcNormalizer : TextNormalizer
{
    public override string Normalize(string text) => CanonicalComposition.Compose(text);
}

/// <summary>Replaces every match of a pattern by a literal text.</summary>
internal sealed class ReplaceNormalizer(RuneRegex pattern, string content) : TextNormalizer
{
    public override string Normalize(string text) => pattern.Replace(text, content);
}

/// <summary>Takes white space off the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : TextNormalizer
{
    public override string Normalize(string text)
    {
        text = left ? text.TrimStart() : text;
        return right ? text.TrimEnd() : text;
    }
}

/// <summary>Puts a text in front of one that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    public override string Normalize(string text) => text.Length == 0 ? text : prefix + text;
}

/// <summary>Lower case code point by code point, without regard to language or neighbours (a final sigma stays a plain one).</summary>
internal sealed class LowercaseNormalizer : TextNormalizer
{
    // What .NET leaves: a capital i with a dot, whose lower case is two code points, and the letters that Unicode 17 brought.
    private static readonly SearchValues<char> Left = SearchValues.Create('\u0130', '\uA7CE', '\uA7D2', '\uA7D4', '\uD81B');

    public override string Normalize(string text)
    {
        var lower = text.ToLowerInvariant();
        return lower.AsSpan().ContainsAny(Left) ? string.Concat(lower.EnumerateRunes().Select(Lower)) : lower;
    }

    private static string Lower(Rune rune) => rune.Value switch
    {
        0x0130 => "i\u0307",
        0xA7CE or 0xA7D2 or 0xA7D4 => new Rune(rune.Value + 1).ToString(),
        >= 0x16EA0 and <= 0x16EB8 => new Rune(rune.Value + 0x1B).ToString(),
        _ => rune.ToString(),
    };
}
