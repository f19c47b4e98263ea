using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>The tensors of a BLIP that captions or answers.</summary>
internal static class BlipWeights
{
    /// <summary>Reads all parameters of a captioner.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static BlipParameters Read(WeightTable weights, JsonFile config)
    {
        var (vision, text) = (VisionConfig.ReadBlip(config), BlipConfig.Read(config).Text);
        var result = new BlipParameters(Vision(weights, vision), Text(weights, text, vision.HiddenSize));
        RequireAllUsed(weights);
        return result;
    }

    /// <summary>Reads all parameters of a model that answers questions.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of the wrong shape.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static BlipVqaParameters ReadVqa(WeightTable weights, JsonFile config)
    {
        var (vision, text) = (VisionConfig.ReadBlip(config), BlipConfig.Read(config).Text);
        var result = new BlipVqaParameters(Vision(weights, vision), Question(weights, text, vision.HiddenSize), Text(weights, text, text.HiddenSize));
        RequireAllUsed(weights);
        return result;
    }

    private static void RequireAllUsed(WeightTable weights) => weights.RequireAllUsed(
        static name => name.EndsWith("embeddings.position_ids", StringComparison.Ordinal) // 0, 1, 2, ...
            || name == "text_decoder.cls.predictions.decoder.bias"); // the same as cls.predictions.bias

    private static VisionParameters Vision(WeightTable weights, VisionConfig config)
    {
        const string At = "vision_model.";
        var width = config.HiddenSize;
        return new VisionParameters(
            config.ImageWidth, config.ImageHeight, config.PatchSize, width, config.Activation,
            weights.Patches(config, At + "embeddings.patch_embedding"),
            weights.Vector(width, At + "embeddings.patch_embedding.bias"),
            weights.Flat([width], At + "embeddings.class_embedding"),
            new Matrix(1 + config.Patches, width, weights.Flat([1 + config.Patches, width], At + "embeddings.position_embedding")),
            null,
            [.. Enumerable.Range(0, config.Layers).Select(i => VisionLayer(weights, $"{At}encoder.layers.{i}.", config))],
            weights.Norm(width, config.Epsilon, At + "post_layernorm"),
            null);
    }

    private static EncoderLayer VisionLayer(WeightTable weights, string at, VisionConfig config)
    {
        var (width, inner) = (config.HiddenSize, config.Intermediate);
        var packed = weights.Linear(width, 3 * width, config.QkvBias, at + "self_attn.qkv");
        return new EncoderLayer(
            weights.Norm(width, config.Epsilon, at + "layer_norm1"),
            packed.ColumnRange(0, width),
            packed.ColumnRange(width, width),
            packed.ColumnRange(2 * width, width),
            weights.Linear(width, width, true, at + "self_attn.projection"),
            weights.Norm(width, config.Epsilon, at + "layer_norm2"),
            weights.Linear(width, inner, true, at + "mlp.fc1"),
            weights.Linear(inner, width, true, at + "mlp.fc2"),
            config.Heads,
            config.HeadSize);
    }

    private static BertEncoderParameters Question(WeightTable weights, TextConfig config, int imageWidth)
    {
        var (words, positions, norm) = Embeddings(weights, "text_encoder.", config);
        return new BertEncoderParameters(config.Activation, words, positions, norm, TextLayers(weights, "text_encoder.", config, imageWidth));
    }

    private static BertParameters Text(WeightTable weights, TextConfig config, int statesWidth)
    {
        const string At = "text_decoder.bert.", Head = "text_decoder.cls.predictions.";
        var width = config.HiddenSize;
        var (words, positions, norm) = Embeddings(weights, At, config);
        var head = weights.Untied(words, mayMiss: true, Head + "decoder.weight") ?? words;
        return new BertParameters(
            width, config.Vocabulary, config.MaxPositions, config.Activation,
            words, positions, norm,
            TextLayers(weights, At, config, statesWidth),
            weights.Linear(width, width, true, Head + "transform.dense"),
            weights.Norm(width, config.Epsilon, Head + "transform.LayerNorm"),
            head,
            weights.Vector(config.Vocabulary, Head + "bias", Head + "decoder.bias"));
    }

    private static (Matrix Words, Matrix Positions, LayerNorm Norm) Embeddings(WeightTable weights, string at, TextConfig config) => (
        weights.Matrix(config.Vocabulary, config.HiddenSize, at + "embeddings.word_embeddings.weight"),
        weights.Matrix(config.MaxPositions, config.HiddenSize, at + "embeddings.position_embeddings.weight"),
        weights.Norm(config.HiddenSize, config.Epsilon, at + "embeddings.LayerNorm"));

    private static List<DecoderLayer> TextLayers(WeightTable weights, string at, TextConfig config, int statesWidth) =>
        [.. Enumerable.Range(0, config.Layers).Select(i => TextLayer(weights, $"{at}encoder.layer.{i}.", config, statesWidth))];

    private static DecoderLayer TextLayer(WeightTable weights, string at, TextConfig config, int statesWidth)
    {
        var (width, inner) = (config.HiddenSize, config.Intermediate);
        Linear Square(string name) => weights.Linear(width, width, true, at + name);
        Linear OfStates(string name) => weights.Linear(statesWidth, width, true, at + name);
        LayerNorm Norm(string name) => weights.Norm(width, config.Epsilon, at + name);
        return new DecoderLayer(
            Norm("attention.output.LayerNorm"),
            Square("attention.self.query"),
            Square("attention.self.key"),
            Square("attention.self.value"),
            Square("attention.output.dense"),
            Norm("crossattention.output.LayerNorm"),
            Square("crossattention.self.query"),
            OfStates("crossattention.self.key"),
            OfStates("crossattention.self.value"),
            Square("crossattention.output.dense"),
            Norm("output.LayerNorm"),
            weights.Linear(width, inner, true, at + "intermediate.dense"),
            weights.Linear(inner, width, true, at + "output.dense"),
            config.Heads,
            config.Heads,
            config.HeadSize)
        {
            NormsBehind = true,
        };
    }
}
