using VlWorker.Contracts;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Families.Florence2.Cuda;
using VlWorker.Inference.Families.Prompted;
using VlWorker.Inference.Families.Prompted.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Inference.Families.Florence2;

/// <summary>Florence-2: captions, answers and regions, by the words or the task's token that a row's prompt begins with.</summary>
internal sealed class Florence2Model : PromptedModel
{
    // BartConfig's, whose files leave it out: what a sequence starts with, ends with, and is made to end with.
    private const int EndToken = 2;

    private readonly FlorencePrompts _prompts;
    private readonly RegionReader _regions;

    private Florence2Model(
        ModelReference reference, PreprocessorConfig images, PromptedEngine engine, GenerationTokens tokens, GenerationConfig generation, int context,
        HubTokenizer tokenizer)
        : base(reference, images, engine, tokens, generation, context, tokenizer) =>
        (_prompts, _regions) = (new FlorencePrompts(tokenizer, LongestPrompt), new RegionReader(tokenizer));

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tasks { get; } = [Contracts.Tasks.Caption, Contracts.Tasks.Answer, Contracts.Tasks.Detect];

    /// <summary>Loads the model's graphs.</summary>
    /// <exception cref="InvalidDataException">They, or the files beside them, do not fit each other.</exception>
    /// <exception cref="NotSupportedException">There are no graphs for the device.</exception>
    public static Florence2Model Load(ModelReference reference, ModelFolder folder, PreprocessorConfig images, ModelOptions options, DeviceSpec device)
    {
        var context = folder.Config.Int32("text_config", "max_position_embeddings") ?? 1024;
        var generation = Defaults(folder, context);
        var start = generation.StartToken
            ?? throw new InvalidDataException("neither generation_config.json nor config.json says which token the decoder starts with");
        var tokens = new GenerationTokens([start], generation.EndTokens, generation.ForcedFirstToken, generation.ForcedLastToken);
        var tokenizer = HubTokenizer.Load(folder.Path);
        var engine = Engines.Choose<PromptedEngine>(
            folder,
            device,
            () => ExportedFlorenceEngine.Load(folder, images, tokens, options),
            () => CpuPromptedEngine.Load(folder, graph => new PixelEncoder(graph, images.Resize), imageInFront: true, tokens, options),
            () => Cuda(folder, images, tokens, new FlorencePrompts(tokenizer, context), CudaSettings.For(device), generation, context));
        return new Florence2Model(reference, images, engine, tokens, generation, context, tokenizer);
    }

    /// <inheritdoc/>
    protected override int[] Prompt(string task, string? prompt) => _prompts.Encode(FlorencePrompt.Of(task, prompt));

    /// <inheritdoc/>
    protected override InferenceOutcome Outcome(ImageInput row, RowRequest request, RowResult result) =>
        FlorencePrompt.Of(row.Task, row.Prompt).Answer is var answer && (answer == FlorenceAnswer.Text || result.Error is not null)
            ? base.Outcome(row, request, result)
            : new DetectionOutcome(RegionPixels.Of(_regions.Read(result.Sequences[0].Tokens, answer), row));

    private static CudaPromptedEngine Cuda(
        ModelFolder folder, PreprocessorConfig images, GenerationTokens tokens, FlorencePrompts prompts, CudaSettings settings, GenerationConfig generation,
        int context)
    {
        var vocabulary = folder.Config.Int32("text_config", "vocab_size")
            ?? throw new InvalidDataException("config.json does not say how many tokens there are (text_config.vocab_size)");
        // What most requests ask for.
        var prompt = prompts.Encode(FlorencePrompt.Of(Contracts.Tasks.Caption, null));
        var graphs = new PromptedGraphs(
            PromptedGraphs.VisionOf(folder), DavitTower.Make, CaptionGraphs.Of(folder, images, tokens, vocabulary), context, prompt.Length)
        {
            ImageInFront = true,
        };
        var steps = Math.Min(context, generation.MaxNewTokens ?? context);
        return CudaPromptedEngine.Load(graphs, settings, generation.NumBeams, steps);
    }

    private static GenerationConfig Defaults(ModelFolder folder, int context)
    {
        var config = GenerationConfig.Load(folder);
        if (folder.GenerationConfig is null)
        {
            config = config with
            {
                StartToken = folder.Config.Int32("decoder_start_token_id") ?? folder.Config.Int32("text_config", "decoder_start_token_id") ?? EndToken,
                EndTokens = config.EndTokens.Count > 0 ? config.EndTokens : [EndToken],
                ForcedLastToken = config.ForcedLastToken ?? EndToken,
            };
        }

        // transformers' own default of 20 tokens would cut lists of boxes: what the context has room for is the bound, as in the model's examples.
        return config.MaxLength is null && config.MaxNewTokens is null ? config with { MaxNewTokens = context } : config;
    }
}
