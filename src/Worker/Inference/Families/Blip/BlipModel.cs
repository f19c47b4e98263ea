using VlWorker.Contracts;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Blip;

/// <summary>BLIP: captions, begun by the model or by a prompt, which then is part of the caption.</summary>
internal sealed class BlipModel : CaptionModel
{
    // A GPU's steps are recorded for captions that begin with prompts of a few words.
    private const int PromptTokens = 8;

    private readonly int _start;

    private BlipModel(
        ModelReference reference, PreprocessorConfig images, ICaptionEngine engine, GenerationTokens tokens, GenerationDefaults defaults,
        HubTokenizer tokenizer)
        : base(reference, images, engine, tokens, defaults, tokenizer) => _start = tokens.Prompt[0];

    /// <inheritdoc/>
    public override bool TakesPrompt => true;

    /// <summary>Loads the model's graphs.</summary>
    public static BlipModel Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        var config = BlipConfig.Read(folder.Config);
        // The decoder begins and ends with tokens of config.json, whatever generation_config.json says.
        var tokens = new GenerationTokens([config.StartToken], [config.EndToken], null, null);
        var tokenizer = HubTokenizer.Load(folder.Path);
        var defaults = new GenerationDefaults(GenerationConfig.Load(folder), config.Text.MaxPositions);
        var engine = Engines.Choose<ICaptionEngine>(
            folder,
            device,
            () => ExportedCaptionEngine.Load(folder, images, tokens, options),
            () => CpuCaptionEngine.Load(folder, tokens, options),
            () => CudaCaptionEngine.Load(
                CaptionGraphs.Of(folder, images, tokens, config.Text.Vocabulary), CudaSettings.For(device),
                CaptionGraphs.DefaultBeams(folder), Math.Min(CaptionGraphs.DefaultSteps(folder) + PromptTokens, config.Text.MaxPositions)));
        return new BlipModel(reference, images, engine, tokens, defaults, tokenizer);
    }

    /// <inheritdoc/>
    // A user's text without [CLS] and [SEP]: the start token stands for the first, and a caption goes on where the second would end it.
    protected override IReadOnlyList<int> Prompt(string? prompt) => prompt is null ? [_start] : [_start, .. Tokenizer.EncodeUserText(prompt)];
}
