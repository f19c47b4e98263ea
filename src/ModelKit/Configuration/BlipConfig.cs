using System.Text.Json;

namespace VlWorker.ModelKit.Configuration;

/// <summary>What config.json of a BLIP captioner says, with the names and defaults of BlipConfig of transformers 4.57.</summary>
/// <param name="Text">Sizes of the decoder.</param>
/// <param name="StartToken">The token that a caption starts with; no text makes it.</param>
/// <param name="EndToken">The token that ends a caption.</param>
internal sealed record BlipConfig(TextConfig Text, int StartToken, int EndToken)
{
    private const string Captioner = "BlipForConditionalGeneration";

    /// <summary>Reads config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It is of another kind of BLIP, or asks for something that is not implemented.</exception>
    public static BlipConfig Read(JsonFile config)
    {
        if (config.Find("architectures") is { ValueKind: JsonValueKind.Array } kinds && kinds.GetArrayLength() > 0
            && !kinds.EnumerateArray().Any(static kind => kind.ValueKind == JsonValueKind.String && kind.GetString() == Captioner))
        {
            throw new NotSupportedException($"architectures in config.json is {kinds.GetRawText()}: of BLIP only captioners ({Captioner}) are supported");
        }

        var section = new ConfigSection(config, "text_config");
        return new BlipConfig(TextConfig.ReadBlip(config), section.Integer("bos_token_id") ?? 30522, section.Integer("sep_token_id") ?? 102);
    }
}
