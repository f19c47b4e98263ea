using VlWorker.Inference.Families.Captioning.Cuda;
using VlWorker.Inference.Generation;
using VlWorker.ModelKit.Onnx;

namespace VlWorker.Bench.Gpu.Families;

/// <summary>BLIP-base, which captions.</summary>
internal static class BlipCase
{
    private const int Tokens = 20;

    /// <summary>Greedy search.</summary>
    public static FamilyCase Greedy { get; } = Case(1);

    /// <summary>Three beams.</summary>
    public static FamilyCase Beams { get; } = Case(3);

    private static FamilyCase Case(int beams) => new("blip-base", 384, Tokens, null, beams, 0, static (folder, settings, one) =>
    {
        var graphs = FullSizeModels.Blip(folder, ElementType.Float16);
        var engine = CudaCaptionEngine.Load(graphs, settings, one.Beams, Tokens);
        return new FamilyEngine(engine, images =>
        {
            var results = new RowResult[images.Length];
            RowRequest[] rows = [.. Enumerable.Repeat(new RowRequest(one.Parameters, graphs.Tokens.Prompt), images.Length)];
            engine.Run(images, rows, results, CancellationToken.None);
            return FamilyEngine.Best(results);
        });
    });
}
