namespace VlWorker.ModelKit.Configuration;

/// <summary>What config.json of a BLIP says, with the names and defaults of BlipConfig of transformers 4.57.</summary>
/// <param name="Text">Sizes of the decoder.</param>
/// <param name="StartToken">The token that a caption or an answer starts with; no text makes it.</param>
/// <param name="EndToken">The token that ends it.</param>
internal sealed record BlipConfig(TextConfig Text, int StartToken, int EndToken)
{
    private const string Captioner = "BlipForConditionalGeneration";

    /// <summary>Reads config.json.</summary>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It is of another kind of BLIP, or asks for something that is not implemented.</exception>
    public static BlipConfig Read(JsonFile config)
    {
        var kinds = config.Strings("architectures");
        if (kinds.Count > 0 && !kinds.Contains(Captioner) && !kinds.Contains(ModelFamily.BlipVqa.Architecture!))
        {
            throw new NotSupportedException(
                $"architectures in config.json is {string.Join(", ", kinds)}: of BLIP only {Captioner} and {ModelFamily.BlipVqa.Architecture} are supported");
        }

        var section = new ConfigSection(config, "text_config");
        return new BlipConfig(TextConfig.ReadBlip(config), section.Integer("bos_token_id") ?? 30522, section.Integer("sep_token_id") ?? 102);
    }
}
