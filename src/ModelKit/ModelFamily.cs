using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit;

/// <summary>What a family's folder holds: which graphs, under which names, and which files beside them.</summary>
/// <param name="ModelType"><c>model_type</c> of config.json.</param>
/// <param name="GraphSets">
/// Sets of graph names (without suffix and extension) of which one must be there, the preferred one first; empty where no exports are known.
/// </param>
/// <param name="RequiredFiles">Files beside the graphs that must be there.</param>
/// <param name="OptionalFiles">Files beside the graphs that are read where they are there.</param>
public sealed record ModelFamily(
    string ModelType,
    IReadOnlyList<IReadOnlyList<string>> GraphSets,
    IReadOnlyList<string> RequiredFiles,
    IReadOnlyList<string> OptionalFiles)
{
    /// <summary>What manifests and reports call it: <see cref="ModelType"/>, unless another family has that too.</summary>
    public string Name { get => field ?? ModelType; init; }

    /// <summary>The entry of config.json's <c>architectures</c> that tells it from another family of its model_type; null where it needs none.</summary>
    public string? Architecture { get; init; }

    /// <summary>An image encoder and a text decoder with cross attention, as ViT with GPT-2; the decoder merged or as a pair.</summary>
    public static ModelFamily VisionEncoderDecoder { get; } = new(
        "vision-encoder-decoder",
        [
            [Graphs.Encoder, Graphs.DecoderMerged],
            [Graphs.Encoder, Graphs.Decoder, Graphs.DecoderWithPast],
        ],
        [ModelFolder.ConfigFile, PreprocessorConfig.FileName, "tokenizer.json"],
        [ModelFolder.GenerationConfigFile, "tokenizer_config.json", "special_tokens_map.json"]);

    /// <summary>An image and a text encoder into one space.</summary>
    public static ModelFamily Clip { get; } = new(
        "clip",
        [[Graphs.Vision, Graphs.Text]],
        [ModelFolder.ConfigFile, PreprocessorConfig.FileName, "tokenizer.json"],
        ["tokenizer_config.json", "special_tokens_map.json"])
    {
        SimilarityFunction = "softmax",
    };

    /// <summary>As CLIP, trained for scores of each pair alone; SigLIP 2 in fixed sizes is the same.</summary>
    public static ModelFamily Siglip { get; } = new(
        "siglip",
        [[Graphs.Vision, Graphs.Text]],
        [ModelFolder.ConfigFile, PreprocessorConfig.FileName, "tokenizer.json"],
        ["tokenizer_config.json", "special_tokens_map.json"])
    {
        SimilarityFunction = "sigmoid",
    };

    /// <summary>
    /// SigLIP 2 NaFlex: images keep their aspect and have any number of patches. No layout of exported graphs is known: it runs as converted from
    /// a checkpoint.
    /// </summary>
    public static ModelFamily Siglip2 { get; } = Siglip with { ModelType = "siglip2", GraphSets = [] };

    /// <summary>An image encoder alone.</summary>
    public static ModelFamily Dinov2 { get; } = new("dinov2", [[Graphs.Model]], [ModelFolder.ConfigFile, PreprocessorConfig.FileName], []);

    /// <summary>How <see cref="Similarity"/> makes scores; null for families without.</summary>
    public string? SimilarityFunction { get; init; }

    /// <summary>BLIP's captioner: an image encoder and BERT as a decoder, merged, as a pair, or without a cache.</summary>
    public static ModelFamily Blip { get; } = new(
        "blip",
        [
            [Graphs.Vision, Graphs.TextDecoderMerged],
            [Graphs.Vision, Graphs.TextDecoder, Graphs.TextDecoderWithPast],
            [Graphs.BlipVision, Graphs.BlipText],
        ],
        [ModelFolder.ConfigFile, PreprocessorConfig.FileName, "tokenizer.json"],
        [ModelFolder.GenerationConfigFile, "tokenizer_config.json", "special_tokens_map.json"]);

    /// <summary>
    /// BLIP's question answering: a question reads the image, an answer is written about what came of it. No layout of exported graphs is in use:
    /// its graphs are made of the checkpoint.
    /// </summary>
    public static ModelFamily BlipVqa { get; } = Blip with { Name = "blip-vqa", Architecture = "BlipForQuestionAnswering", GraphSets = [] };

    /// <summary>Florence-2: an image's tokens and a prompt go through a text encoder; the decoder writes texts and places.</summary>
    public static ModelFamily Florence2 { get; } = new(
        "florence2",
        [
            [Graphs.VisionEncoder, Graphs.EmbedTokens, Graphs.Encoder, Graphs.DecoderMerged],
            [Graphs.VisionEncoder, Graphs.EmbedTokens, Graphs.Encoder, Graphs.Decoder, Graphs.DecoderWithPast],
        ],
        [ModelFolder.ConfigFile, PreprocessorConfig.FileName, "tokenizer.json"],
        [ModelFolder.GenerationConfigFile, "tokenizer_config.json", "special_tokens_map.json"]);

    /// <summary>Idefics3 and SmolVLM: images, whole or in tiles, among the tokens of a chat.</summary>
    public static ModelFamily Idefics3 { get; } = new(
        "idefics3",
        [[Graphs.VisionEncoder, Graphs.EmbedTokens, Graphs.DecoderMerged]],
        [ModelFolder.ConfigFile, PreprocessorConfig.FileName, "tokenizer.json"],
        [
            ModelFolder.GenerationConfigFile, "tokenizer_config.json", "special_tokens_map.json", ModelFolder.ChatTemplateFile,
            ModelFolder.ChatTemplateJsonFile,
        ]);

    /// <summary>SmolVLM2, which is the same for images.</summary>
    public static ModelFamily SmolVlm { get; } = Idefics3 with { ModelType = "smolvlm" };

    /// <summary>All families.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } =
        [VisionEncoderDecoder, Clip, Siglip, Siglip2, Dinov2, Blip, BlipVqa, Florence2, Idefics3, SmolVlm];

    /// <summary>The <see cref="RequiredFiles"/> of a folder, with the file that says there how images are prepared.</summary>
    internal IEnumerable<string> RequiredIn(string folder) =>
        RequiredFiles.Select(name => name == PreprocessorConfig.FileName ? PreprocessorConfig.FileIn(folder) : name);

    /// <summary>All files beside the weights that are read and that a folder has.</summary>
    internal IEnumerable<string> FilesIn(string folder) =>
        RequiredIn(folder).Concat(OptionalFiles).Where(name => File.Exists(Path.Combine(folder, name)));

    /// <summary>Names of graphs in the layout of the Hub's ONNX repositories.</summary>
    public static class Graphs
    {
        /// <summary>Image encoder of a captioner; of Florence-2 that of the image's and the prompt's tokens.</summary>
        public const string Encoder = "encoder_model";

        /// <summary>First step and steps with a cache in one graph.</summary>
        public const string DecoderMerged = "decoder_model_merged";

        /// <summary>First step.</summary>
        public const string Decoder = "decoder_model";

        /// <summary>Steps with a cache.</summary>
        public const string DecoderWithPast = "decoder_with_past_model";

        /// <summary>Image tower whose tokens go where a text's embeddings go.</summary>
        public const string VisionEncoder = "vision_encoder";

        /// <summary>Embeddings of a text's tokens.</summary>
        public const string EmbedTokens = "embed_tokens";

        /// <summary>Image tower.</summary>
        public const string Vision = "vision_model";

        /// <summary>Text tower.</summary>
        public const string Text = "text_model";

        /// <summary>The only graph of a model.</summary>
        public const string Model = "model";

        /// <summary>BLIP: first step and steps with a cache in one graph.</summary>
        public const string TextDecoderMerged = "text_decoder_model_merged";

        /// <summary>BLIP: first step.</summary>
        public const string TextDecoder = "text_decoder_model";

        /// <summary>BLIP: steps with a cache.</summary>
        public const string TextDecoderWithPast = "text_decoder_with_past_model";

        /// <summary>BLIP without a cache: image encoder.</summary>
        public const string BlipVision = "blip_vision_encoder";

        /// <summary>BLIP without a cache: all tokens at each step.</summary>
        public const string BlipText = "blip_text_decoder";
    }
}
