using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Tests.Parameters;

/// <summary>Tiny models with random weights, and config.json for them.</summary>
internal sealed class TinyModels(int seed = 1)
{
    public const int Width = 12;
    public const int TextWidth = 8;
    public const int HeadSize = 4;
    public const int Inner = 20;
    public const int Vocabulary = 30;
    public const int Projected = 6;

    private readonly Random _random = new(seed);

    /// <summary>A captioner.</summary>
    /// <param name="qkvBias">Whether ViT's queries, keys and values have biases.</param>
    /// <param name="tied">Whether the head is the token embedding.</param>
    /// <param name="sameWidth">Whether decoder and encoder are of one width, so that nothing projects between them.</param>
    public VisionEncoderDecoderParameters Captioner(bool qkvBias = true, bool tied = true, bool sameWidth = false)
    {
        var width = sameWidth ? Width : TextWidth;
        var layers = Enumerable.Range(0, 2).Select(_ => new DecoderLayer(
            Norm(width, 1e-5f), Layer(width, width), Layer(width, width), Layer(width, width), Layer(width, width),
            Norm(width, 1e-5f), Layer(width, width), Layer(width, width), Layer(width, width), Layer(width, width),
            Norm(width, 1e-5f), Layer(width, Inner), Layer(Inner, width), width / HeadSize, width / HeadSize, HeadSize)).ToList();
        var decoder = new DecoderParameters(
            width, Vocabulary, 10, Activation.GeluTanh, Matrix(Vocabulary, width), Matrix(10, width), layers, Norm(width, 1e-5f),
            tied ? null : Matrix(Vocabulary, width));
        return new VisionEncoderDecoderParameters(Vit(qkvBias), decoder, sameWidth ? null : Layer(Width, width));
    }

    /// <summary>A BLIP captioner.</summary>
    public BlipParameters Blip()
    {
        var layers = Enumerable.Range(0, 2).Select(_ => new DecoderLayer(
            Norm(Width, 1e-12f), Layer(Width, Width), Layer(Width, Width), Layer(Width, Width), Layer(Width, Width),
            Norm(Width, 1e-12f), Layer(Width, Width), Layer(Width, Width), Layer(Width, Width), Layer(Width, Width),
            Norm(Width, 1e-12f), Layer(Width, Inner), Layer(Inner, Width), Width / HeadSize, Width / HeadSize, HeadSize)
        {
            NormsBehind = true,
        }).ToList();
        return new BlipParameters(Vit(true), new BertParameters(
            Width, Vocabulary, 10, Activation.Gelu, Matrix(Vocabulary, Width), Matrix(10, Width), Norm(Width, 1e-12f), layers,
            Layer(Width, Width), Norm(Width, 1e-12f), Matrix(Vocabulary, Width), Values(Vocabulary)));
    }

    /// <summary>A CLIP.</summary>
    public ClipParameters Clip() => new(
        Vit(true) with { PatchBias = null, PreNorm = Norm(Width, 1e-5f), Activation = Activation.QuickGelu, Layers = Blocks(Width, 1e-5f, true), FinalNorm = Norm(Width, 1e-5f), Projection = Matrix(Width, Projected) },
        new TextParameters(
            TextWidth, Vocabulary, 10, Activation.QuickGelu, Matrix(Vocabulary, TextWidth), Matrix(10, TextWidth), Blocks(TextWidth, 1e-5f, true),
            Norm(TextWidth, 1e-5f), Matrix(TextWidth, Projected)));

    /// <summary>config.json of <see cref="Captioner"/>.</summary>
    public static string CaptionerConfig(bool qkvBias = true, bool tied = true, bool sameWidth = false) => $$"""
        {
          "model_type": "vision-encoder-decoder",
          "encoder": { "model_type": "vit", "hidden_size": {{Width}}, "num_hidden_layers": 2, "num_attention_heads": {{Width / HeadSize}},
            "intermediate_size": {{Inner}}, "image_size": 8, "patch_size": 4, "qkv_bias": {{(qkvBias ? "true" : "false")}} },
          "decoder": { "model_type": "gpt2", "n_embd": {{(sameWidth ? Width : TextWidth)}}, "n_layer": 2, "n_head": {{(sameWidth ? Width : TextWidth) / HeadSize}},
            "n_inner": {{Inner}}, "n_positions": 10, "vocab_size": {{Vocabulary}}, "tie_word_embeddings": {{(tied ? "true" : "false")}} }
        }
        """;

    /// <summary>config.json of <see cref="Clip"/>.</summary>
    public static string ClipConfig() => $$"""
        {
          "model_type": "clip", "projection_dim": {{Projected}},
          "vision_config": { "hidden_size": {{Width}}, "num_hidden_layers": 2, "num_attention_heads": {{Width / HeadSize}}, "intermediate_size": {{Inner}},
            "image_size": 8, "patch_size": 4 },
          "text_config": { "hidden_size": {{TextWidth}}, "num_hidden_layers": 2, "num_attention_heads": {{TextWidth / HeadSize}}, "intermediate_size": {{Inner}},
            "max_position_embeddings": 10, "vocab_size": {{Vocabulary}}, "eos_token_id": {{Vocabulary - 1}} }
        }
        """;

    public Matrix Matrix(int rows, int columns) => new(rows, columns, Values(rows * columns));

    public float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (_random.NextSingle() * 2) - 1)];

    private VisionParameters Vit(bool qkvBias) => new(
        8, 8, 4, Width, Activation.Gelu, Matrix(48, Width), Values(Width), Values(Width), Matrix(5, Width), null, Blocks(Width, 1e-12f, qkvBias),
        Norm(Width, 1e-12f), null);

    private List<EncoderLayer> Blocks(int width, float epsilon, bool qkvBias) => [.. Enumerable.Range(0, 2).Select(_ => new EncoderLayer(
        Norm(width, epsilon), Layer(width, width, qkvBias), Layer(width, width, qkvBias), Layer(width, width, qkvBias), Layer(width, width),
        Norm(width, epsilon), Layer(width, Inner), Layer(Inner, width), width / HeadSize, HeadSize))];

    public Linear Layer(int inputs, int outputs, bool bias = true) => new(Matrix(inputs, outputs), bias ? Values(outputs) : null);

    public LayerNorm Norm(int width, float epsilon) => new(Values(width), Values(width), epsilon);
}
