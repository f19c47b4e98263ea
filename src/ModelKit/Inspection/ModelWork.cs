using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Inspection;

/// <summary>The work of a model by its config.json.</summary>
/// <param name="Parts">Its parts.</param>
/// <param name="Steps">Steps of its decoder for an image; 1 where it has none.</param>
/// <param name="OwnCache">Values of keys and values that a row keeps of its own positions.</param>
/// <param name="ImageCache">Those of the image's positions.</param>
internal sealed record ModelWork(IReadOnlyList<PartFacts> Parts, int Steps = 1, long OwnCache = 0, long ImageCache = 0)
{
    // A question of a dozen words.
    private const int QuestionTokens = 16;

    /// <summary>Estimates it.</summary>
    /// <param name="folder">The folder, whose preprocessor_config.json may tell the size of images.</param>
    /// <param name="family">Its family.</param>
    /// <param name="config">Its config.json.</param>
    /// <param name="tokens">Tokens of a caption or an answer.</param>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static ModelWork Of(string folder, ModelFamily family, JsonFile config, int tokens) => family.Name switch
    {
        "vision-encoder-decoder" => Captioner(VisionConfig.ReadVit(config), TextConfig.ReadGpt2(config), WorkEstimate.Decoder, tokens),
        "blip" => Captioner(VisionConfig.ReadBlip(config), BlipConfig.Read(config).Text, WorkEstimate.Bert, tokens),
        "blip-vqa" => Answers(VisionConfig.ReadBlip(config), BlipConfig.Read(config).Text, tokens),
        "clip" => Towers(TextConfig.ReadClip(config), WorkEstimate.Vision(VisionConfig.ReadClip(config), true), false),
        "siglip" => Towers(TextConfig.ReadSiglip(config), WorkEstimate.Siglip(VisionConfig.ReadSiglip(config)), true),
        "siglip2" => Towers(TextConfig.ReadSiglip(config), WorkEstimate.Siglip(VisionConfig.ReadSiglip2(config)), true),
        "dinov2" => new([Part("vision", WorkEstimate.Dinov2(VisionConfig.ReadDinov2(config)), "an image")]),
        "florence2" => Florence2(Florence2Config.Read(config, PreprocessorConfig.Load(folder).Resize), tokens),
        "idefics3" or "smolvlm" => Chat(Idefics3Config.Read(config), tokens),
        var type => throw new NotSupportedException($"the work of {type} can't be estimated"),
    };

    private static ModelWork Captioner(
        VisionConfig images, TextConfig captions, Func<TextConfig, VisionConfig, int, (long Parameters, long Flops)> decoder, int tokens)
    {
        var perPosition = 2L * captions.Layers * captions.HiddenSize;
        return new ModelWork(
            [
                Part("encoder", WorkEstimate.Vision(images, false), "an image"),
                Part("decoder", decoder(captions, images, tokens), $"a caption of {tokens} tokens"),
            ],
            tokens, perPosition * captions.MaxPositions, perPosition * (1 + images.Patches));
    }

    private static ModelWork Answers(VisionConfig images, TextConfig text, int tokens)
    {
        var perPosition = 2L * text.Layers * text.HiddenSize;
        return new ModelWork(
            [
                Part("vision", WorkEstimate.Vision(images, false), "an image"),
                Part("encoder", WorkEstimate.Question(text, images, QuestionTokens), $"a question of {QuestionTokens} tokens"),
                Part("decoder", WorkEstimate.Bert(text, QuestionTokens, text.HiddenSize, tokens), $"an answer of {tokens} tokens"),
            ],
            tokens, perPosition * text.MaxPositions, perPosition * QuestionTokens);
    }

    private static ModelWork Towers(TextConfig text, (long Parameters, long Flops) vision, bool headBias)
    {
        var words = WorkEstimate.Text(text);
        words.Parameters += headBias ? text.Projection : 0;
        return new ModelWork([Part("vision", vision, "an image"), Part("text", words, $"a text of {text.MaxPositions} tokens", false)]);
    }

    private static ModelWork Florence2(Florence2Config config, int tokens)
    {
        var (vision, text) = config;
        var perPosition = 2L * text.DecoderLayers * text.HiddenSize;
        return new ModelWork(
            [
                Part("vision", Florence2Estimate.Vision(vision), "an image"),
                Part("encoder", Florence2Estimate.Encoder(text, vision.Tokens), $"{vision.Tokens} tokens of an image"),
                Part("decoder", Florence2Estimate.Decoder(text, vision.Tokens, tokens), $"an answer of {tokens} tokens"),
            ],
            tokens, perPosition * text.MaxPositions, perPosition * vision.Tokens);
    }

    // A frame's features are among a row's own positions.
    private static ModelWork Chat(Idefics3Config config, int tokens) => new(
        [
            Part("vision", ChatEstimate.Vision(config), "a frame"),
            Part("decoder", ChatEstimate.Decoder(config, tokens), $"an answer of {tokens} tokens about one frame"),
        ],
        tokens, ChatEstimate.CacheValues(config.Text) * (config.Features + tokens));

    private static PartFacts Part(string name, (long Parameters, long Flops) work, string unit, bool ofImage = true) =>
        new(name, work.Parameters, work.Flops, unit, ofImage);
}
