using VlWorker.Inference.Cuda;
using VlWorker.Inference.Families.Prompted;
using VlWorker.Inference.Families.Prompted.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Bench.Gpu.Families;

/// <summary>Florence-2-base: a caption of 20 tokens, greedily and as the published settings have it.</summary>
internal static class FlorenceCase
{
    private const string Name = "florence-2-base";
    private const int Side = 768;
    private const int Tokens = 20;
    private const int ImageTokens = 577;
    private const int ImageToken = 51288;

    // "What does the image describe?", which the prompt <CAPTION> stands for.
    private static readonly int[] Question = [0, 2264, 473, 5, 2274, 6190, 116, 2];

    /// <summary>One beam.</summary>
    public static FamilyCase Greedy { get; } = Make(1, 0);

    /// <summary>Three beams, no three tokens twice.</summary>
    public static FamilyCase Published { get; } = Make(3, 3);

    // The reference puts the image where these tokens stand.
    private static FamilyCase Make(int beams, int ngram) =>
        new(Name, Side, Tokens, [.. Enumerable.Repeat(ImageToken, ImageTokens), .. Question], beams, ngram, Load);

    private static FamilyEngine Load(string folder, CudaSettings settings, FamilyCase one)
    {
        var engine = CudaPromptedEngine.Load(FullSizeModels.Florence(folder, ElementType.Float16, Question.Length, one.Ngram), settings, one.Beams, one.Tokens);
        var request = new RowRequest(one.Parameters, [2]);
        return new FamilyEngine(engine, images =>
        {
            var results = new RowResult[images.Length];
            engine.Run([.. images.Select(image => new PromptedRow(image, Question, request))], results, CancellationToken.None);
            return FamilyEngine.Best(results);
        });
    }
}
