using System.Text.Json.Nodes;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Bench.Decoding;

/// <summary>The two ways of preparing that the bundled models use.</summary>
internal static class Plans
{
    /// <summary>Squashed to 224 x 224, bilinear.</summary>
    public static readonly ResizePlan Vit = new(224, 224, null, null, null, 2);

    /// <summary>Short side to 224, bicubic, centre crop 224 x 224.</summary>
    public static readonly ResizePlan Clip = new(0, 0, 224, 224, 224, 3);

    /// <summary>A plan that keeps an image's size.</summary>
    public static ResizePlan Whole(int width, int height) => new(width, height, null, null, null, 3);

    /// <summary>A plan in the words of the peers.</summary>
    public static JsonObject Describe(ResizePlan plan) => new()
    {
        ["width"] = plan.ShortestEdge is null ? plan.Width : null,
        ["height"] = plan.ShortestEdge is null ? plan.Height : null,
        ["shortest"] = plan.ShortestEdge,
        ["crop"] = plan.CropWidth is { } width ? new JsonArray(width, plan.CropHeight!.Value) : null,
        ["resample"] = plan.Resample,
    };
}
