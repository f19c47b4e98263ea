using VlWorker.Decoding;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Inference.Families.Idefics3.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Checkpoints;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Idefics3.CudaGraphs;
using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.Bench.Gpu.Families;

/// <summary>SmolVLM-256M: an answer of 64 tokens, about an image as it is and about one that is cut.</summary>
internal static class ChatCase
{
    /// <summary>As bench/peers/transformers/families.py names it.</summary>
    public const string Name = "smolvlm-256m";

    /// <summary>Pixels of a frame's side.</summary>
    public const int Side = 512;

    private const int Tokens = 64;
    private const int TokensPerFrame = 64;
    private const int ImageToken = 49190;
    private const int AroundImage = 49189;

    // Frames of a photograph of 4 : 3 with a longest edge of 2048.
    private const int TilesAndWhole = 13;

    /// <summary>An image in one frame.</summary>
    public static FamilyCase Whole { get; } = Make(1);

    /// <summary>An image in many.</summary>
    public static FamilyCase Split { get; } = Make(TilesAndWhole);

    /// <summary>Every frame between its marks, then a question; which tokens these are does not matter to random weights.</summary>
    public static int[] Prompt(int frames) =>
    [
        1, 11126, 42,
        .. Enumerable.Range(0, frames).SelectMany(frame => (int[])[AroundImage, 49152 + frame, .. Enumerable.Repeat(ImageToken, TokensPerFrame)]),
        AroundImage, 7306, 346, 5125, 451, 260, 2443, 30, 49279, 198, 9519, 9531, 42,
    ];

    /// <summary>The graphs of the checkpoint in a folder. Nothing ends an answer but its length.</summary>
    public static ChatGraphs Graphs(string folder)
    {
        var parameters = (Idefics3Parameters)CheckpointModel.Read(folder, ModelFamily.Idefics3, FullSizeModels.Config(folder));
        var images = PreprocessorConfig.Load(folder);
        const ElementType Type = ElementType.Float16;
        return new ChatGraphs(
            new GraphFile(null, ChatCudaGraphs.Vision(parameters, images.Normalization, Type).ToBytes()),
            new GraphFile(null, ChatCudaGraphs.Prompt(parameters.Text, Type).ToBytes(), AnyLength: true),
            new GraphFile(null, ChatCudaGraphs.Step(parameters.Text, Type).ToBytes(), AnyLength: true),
            new GenerationTokens([ImageToken], [], null, null), ImageToken, parameters.Text.Vocabulary, parameters.Text.MaxPositions, images.Resize);
    }

    private static FamilyCase Make(int frames) => new(Name, Side, Tokens, Prompt(frames), 1, 0, Load) { Frames = frames, Most = frames == 1 ? int.MaxValue : 64 };

    private static FamilyEngine Load(string folder, CudaSettings settings, FamilyCase one)
    {
        var engine = CudaChatEngine.Load(Graphs(folder), settings, one.Tokens);
        return new FamilyEngine(engine, images =>
        {
            var rows = new ChatRow[images.Length];
            for (var row = 0; row < rows.Length; row++)
            {
                var first = row * one.Frames;
                PreparedPixels[] frames = [.. Enumerable.Range(0, one.Frames).Select(frame => images[(first + frame) % images.Length])];
                rows[row] = new ChatRow(frames, new RowRequest(one.Parameters, one.Prompt!));
            }

            var results = new RowResult[rows.Length];
            engine.Run(rows, results, CancellationToken.None);
            return FamilyEngine.Best(results);
        });
    }
}
