using VlWorker.Inference;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Families.Embedders.Cuda;
using VlWorker.Inference.Families.Florence2.Cuda;
using VlWorker.Inference.Families.Prompted.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;
using BlipGraphs = VlWorker.ModelKit.Families.Blip.CudaGraphs;
using ClipGraphs = VlWorker.ModelKit.Families.Clip.CudaGraphs;
using FlorenceCudaGraphs = VlWorker.ModelKit.Families.Florence2.CudaGraphs;
using VisionEncoderDecoder = VlWorker.ModelKit.Families.VisionEncoderDecoder.CudaGraphs;

namespace VlWorker.Bench.Gpu;

/// <summary>Engines on a GPU for models of random weights, through ModelKit's graphs.</summary>
internal static class FullSizeModels
{
    /// <summary>GPT-2's end of text, which the models also start with.</summary>
    public const int EndToken = 50256;

    /// <summary>Rows of a captioner that ask for the same.</summary>
    public static RowRequest[] Requests(GenerationParameters parameters, int rows) =>
        [.. Enumerable.Repeat(new RowRequest(parameters, [EndToken]), rows)];

    /// <summary>A captioner's graphs.</summary>
    public static CaptionGraphs Captioner(string folder, ElementType type)
    {
        using var seeded = new SeededModel(folder);
        var parameters = (VisionEncoderDecoderParameters)seeded.Load();
        var images = PreprocessorConfig.Load(folder);
        return Captioner(
            VisionEncoderDecoder.Encoder(parameters, images.Normalization, type), VisionEncoderDecoder.Decoder(parameters.Decoder), type,
            new GenerationTokens([EndToken], [EndToken], null, null), images.Resize);
    }

    /// <summary>BLIP's graphs, of a folder with a checkpoint as transformers saves it, whatever its weights.</summary>
    public static CaptionGraphs Blip(string folder, ElementType type)
    {
        var file = Config(folder);
        var parameters = (BlipParameters)CheckpointModel.Read(folder, ModelFamily.Blip, file);
        var (config, images) = (BlipConfig.Read(file), PreprocessorConfig.Load(folder));
        return Captioner(
            BlipGraphs.Encoder(parameters, images.Normalization, type), BlipGraphs.Decoder(parameters.Text), type,
            new GenerationTokens([config.StartToken], [config.EndToken], null, null), images.Resize);
    }

    /// <summary>config.json of a folder that holds a checkpoint alone.</summary>
    public static JsonFile Config(string folder)
    {
        var errors = new List<string>();
        return JsonFile.Read(folder, ModelFolder.ConfigFile, errors) ?? throw new InvalidDataException(string.Join("; ", errors));
    }

    /// <summary>Florence-2's graphs, of a folder with a checkpoint as transformers saves it.</summary>
    /// <param name="folder">The folder; needs no tokenizer.</param>
    /// <param name="type">Float16 or Float.</param>
    /// <param name="promptLength">Tokens of the prompts: batches with such are recorded at the start.</param>
    /// <param name="ngrams">Length of the n-grams that the steps can keep from repeating; 0 where none.</param>
    public static PromptedGraphs Florence(string folder, ElementType type, int promptLength, int ngrams)
    {
        var parameters = (Florence2Parameters)CheckpointModel.Read(folder, ModelFamily.Florence2, Config(folder));
        var images = PreprocessorConfig.Load(folder);
        return new PromptedGraphs(
            new GraphFile(null, FlorenceCudaGraphs.Vision(parameters, images.Normalization, type).ToBytes()),
            DavitTower.Make,
            Captioner(
                FlorenceCudaGraphs.Encoder(parameters, type), FlorenceCudaGraphs.Decoder(parameters.Text) with { NoRepeatNgramSize = ngrams }, type,
                new GenerationTokens([2], [2], 0, 2), images.Resize),
            parameters.Text.MaxPositions,
            promptLength)
        {
            ImageInFront = true,
        };
    }

    /// <summary>An embedder's graphs.</summary>
    public static EmbeddingGraphs Embedder(string folder, ElementType type)
    {
        using var seeded = new SeededModel(folder);
        var parameters = (ClipParameters)seeded.Load();
        var images = PreprocessorConfig.Load(folder);
        return new EmbeddingGraphs(
            new GraphFile(null, ClipGraphs.Vision(parameters.Vision, images.Normalization, type).ToBytes()),
            new GraphFile(null, ClipGraphs.Text(parameters.Text, type).ToBytes()),
            images.Resize);
    }

    private static CaptionGraphs Captioner(OnnxModel encoder, StepDecoder decoder, ElementType type, GenerationTokens tokens, ResizePlan images) => new(
        new GraphFile(null, encoder.ToBytes()),
        new GraphFile(null, CaptionerGraphs.GreedyStep(decoder, type).ToBytes()),
        new GraphFile(null, CaptionerGraphs.BeamStep(decoder, type).ToBytes(), true),
        tokens,
        decoder.Head.Vocabulary,
        images);
}
