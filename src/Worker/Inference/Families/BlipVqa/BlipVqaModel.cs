using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Families.Prompted;
using VlWorker.Inference.Families.Prompted.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cpu;

namespace VlWorker.Inference.Families.BlipVqa;

/// <summary>BLIP's question answering: the encoder reads the question and looks at the image, the decoder writes about the question's states.</summary>
internal sealed class BlipVqaModel : PromptedModel
{
    // As long as many: a GPU's batches with questions of its length are recorded at the start.
    private const string UsualQuestion = "what is in the picture?";

    private BlipVqaModel(
        ModelReference reference, PreprocessorConfig images, PromptedEngine engine, GenerationTokens tokens, GenerationConfig generation, int context,
        HubTokenizer tokenizer)
        : base(reference, images, engine, tokens, generation, context, tokenizer)
    {
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tasks { get; } = [Contracts.Tasks.Answer];

    /// <summary>Loads the model's graphs.</summary>
    /// <exception cref="InvalidDataException">They, or the files beside them, do not fit each other.</exception>
    /// <exception cref="NotSupportedException">There are no graphs for the device.</exception>
    public static BlipVqaModel Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        var config = BlipConfig.Read(folder.Config);
        // The decoder begins and ends with tokens of config.json, whatever generation_config.json says.
        var tokens = new GenerationTokens([config.StartToken], [config.EndToken], null, null);
        var tokenizer = HubTokenizer.Load(folder.Path);
        var engine = Engines.Choose<PromptedEngine>(
            folder,
            device,
            static () => throw new InvalidDataException("exported graphs of BLIP's question answering have no engine"),
            () => CpuPromptedEngine.Load(
                folder, graph => new PatchFrameEncoder(new PatchEncoder(graph, [CpuLayout.Features]), images.Resize), imageInFront: false, tokens, options),
            () => Cuda(folder, images, tokens, tokenizer, CudaSettings.For(device), config.Text));
        return new BlipVqaModel(reference, images, engine, tokens, GenerationConfig.Load(folder), config.Text.MaxPositions, tokenizer);
    }

    /// <inheritdoc/>
    protected override int[] Prompt(string task, string? prompt)
    {
        // Empty is also what has nothing but characters that the tokenizer drops, such as zero-width spaces.
        var ids = Tokenizer.Encode(prompt ?? string.Empty, parseSpecialTokens: false);
        if (ids.Length == Tokenizer.Encode(string.Empty).Length)
            throw new RejectedException(RejectionReason.BadRequest, "the question is empty: it is the request's prompt");
        return ids.Length <= LongestPrompt ? ids : throw new RejectedException(
            RejectionReason.BadRequest, $"the question has {ids.Length} tokens, and the model's context has room for {LongestPrompt}");
    }

    private static CudaPromptedEngine Cuda(
        ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, HubTokenizer tokenizer, CudaSettings settings, TextConfig text)
    {
        var question = Math.Min(tokenizer.Encode(UsualQuestion).Length, text.MaxPositions);
        var captioner = CaptionGraphs.Of(folder, images, tokens, text.Vocabulary).OfAnyLength();
        var graphs = new PromptedGraphs(PromptedGraphs.VisionOf(folder), PatchTower.Make, captioner, text.MaxPositions, question);
        return CudaPromptedEngine.Load(
            graphs, settings, CaptionGraphs.DefaultBeams(folder), Math.Min(CaptionGraphs.DefaultSteps(folder), text.MaxPositions));
    }
}
