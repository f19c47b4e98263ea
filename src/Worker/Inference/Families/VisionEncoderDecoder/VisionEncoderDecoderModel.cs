using VlWorker.Contracts;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.VisionEncoderDecoder;

/// <summary>Captions by an image encoder and a text decoder with cross attention, as ViT with GPT-2.</summary>
internal sealed class VisionEncoderDecoderModel : CaptionModel
{
    private readonly IReadOnlyList<int> _start;

    private VisionEncoderDecoderModel(
        ModelReference reference, PreprocessorConfig images, ICaptionEngine engine, GenerationTokens tokens, GenerationDefaults defaults,
        HubTokenizer tokenizer)
        : base(reference, images, engine, tokens, defaults, tokenizer) => _start = tokens.Prompt;

    /// <inheritdoc/>
    public override bool TakesPrompt => false;

    /// <summary>Loads the model's graphs.</summary>
    public static VisionEncoderDecoderModel Load(
        ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        var generation = GenerationConfig.Load(folder);
        var start = generation.StartToken ?? folder.Config.Int32("decoder_start_token_id")
            ?? throw new InvalidDataException("neither generation_config.json nor config.json says which token the decoder starts with");
        var context = folder.Config.Int32("decoder", "n_positions") ?? folder.Config.Int32("decoder", "max_position_embeddings")
            ?? throw new InvalidDataException("config.json does not say how many positions the decoder has (decoder.n_positions)");
        var tokens = new GenerationTokens([start], generation.EndTokens, generation.ForcedFirstToken, generation.ForcedLastToken);
        var tokenizer = HubTokenizer.Load(folder.Path);
        var defaults = new GenerationDefaults(generation, context);
        var engine = Engines.Choose<ICaptionEngine>(
            folder,
            device,
            () => ExportedCaptionEngine.Load(folder, images, tokens, options),
            () => CpuCaptionEngine.Load(folder, tokens, options),
            () => CudaCaptionEngine.Load(
                CaptionGraphs.Of(folder, images, tokens, Vocabulary(folder)), CudaSettings.For(device),
                CaptionGraphs.DefaultBeams(folder), CaptionGraphs.DefaultSteps(folder)));
        return new VisionEncoderDecoderModel(reference, images, engine, tokens, defaults, tokenizer);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<int> Prompt(string? prompt) => _start;

    private static int Vocabulary(ModelFolder folder) => folder.Config.Int32("decoder", "vocab_size")
        ?? throw new InvalidDataException("config.json does not say how many tokens there are (decoder.vocab_size)");
}
