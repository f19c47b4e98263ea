using VlWorker.ModelKit.Onnx;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Families.Cuda;

/// <summary>
/// Images with any number of patches in one batch: all are padded to as many as the largest may have, no attention sees the padding, and positions
/// are interpolated for each image. Its inputs stand beside <see cref="VisionTower.Pixels"/>, an image's own patches first.
/// </summary>
internal sealed class PaddedPatches
{
    /// <summary>The dimension that patches are counted in.</summary>
    public const string Patches = "patches";

    /// <summary>
    /// [images, patches, rows of learned positions] of float32: how much a patch's position has of each row, 1 in all; zeros for padding.
    /// </summary>
    public const string RowWeights = "row_weights";

    /// <summary>As <see cref="RowWeights"/>, columns.</summary>
    public const string ColumnWeights = "column_weights";

    /// <summary>[images] of int32: an image's own patches. The mask of attention's keys, unless the tower takes <see cref="FusedMask"/>.</summary>
    public const string Counts = "patch_counts";

    /// <summary>
    /// [3 * images + 2] of int32: each image's own patches; where each image's queries begin, and the end: 0, P, 2 P, ... with P patches of an image,
    /// padding included; the same for keys.
    /// </summary>
    public const string FusedMask = "patch_mask";

    // What the memory-efficient kernel's heads are multiples of.
    private const int HeadStep = 8;

    private readonly CudaGraph _graph;
    private readonly int _learned;

    /// <summary>Declares the inputs.</summary>
    public PaddedPatches(CudaGraph graph, VisionParameters vision)
    {
        (_graph, _learned) = (graph, vision.Positions.Rows);
        Builder.Input(RowWeights, ElementType.Float, "images", Patches, vision.ImageHeight / vision.PatchSize);
        Builder.Input(ColumnWeights, ElementType.Float, "images", Patches, vision.ImageWidth / vision.PatchSize);
        // In this form, and for 16-bit floats, one kernel takes the mask that makes no scores in memory; all others take the counts alone.
        var fused = graph.Type == ElementType.Float16 && vision.Layers.All(static layer => layer.HeadSize % HeadStep == 0);
        KeyMask = fused ? Builder.Input(FusedMask, ElementType.Int32, "numbers") : Builder.Input(Counts, ElementType.Int32, "images");
    }

    /// <summary>The mask of attention's keys.</summary>
    public string KeyMask { get; }

    private GraphBuilder Builder => _graph.Builder;

    /// <summary>The patches' positions, [images, patches, D].</summary>
    /// <param name="positions">[learned positions, D], row by row.</param>
    public string Places(Matrix positions)
    {
        var both = Builder.Node("Mul", [
            Builder.Node("Unsqueeze", [RowWeights, _graph.Integers(3)]), Builder.Node("Unsqueeze", [ColumnWeights, _graph.Integers(2)])]);
        var flat = Builder.Node("Reshape", [both, _graph.Integers(0, 0, _learned)]);
        return _graph.MatMul(Builder.Node("Cast", [flat], ("to", _graph.Type)), positions);
    }

    /// <summary>Scores [images, heads, patches] with those of padding so low that a softmax makes zeros of them.</summary>
    public string Hide(string scores)
    {
        var sums = Builder.Node("ReduceSum", [RowWeights, _graph.Integers(2)], ("keepdims", 0));
        var own = Builder.Node("Greater", [sums, Builder.Constant(Tensor.FromFloats([0.5f], [], ElementType.Float))]);
        return Builder.Node("Where", [Builder.Node("Unsqueeze", [own, _graph.Integers(1)]), scores, _graph.Constant([CandidateHead.Never], [])]);
    }
}
