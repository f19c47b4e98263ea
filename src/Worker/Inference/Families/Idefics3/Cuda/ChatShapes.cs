using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Families.Cuda;
using VlWorker.ModelKit.Families.Idefics3.CudaGraphs;

namespace VlWorker.Inference.Families.Idefics3.Cuda;

/// <summary>The sizes in a chat model's graphs for CUDA.</summary>
/// <param name="Patches">Rows that the image tower takes for a frame.</param>
/// <param name="RowBytes">Bytes of such a row.</param>
/// <param name="TokensPerFrame">Features of a frame.</param>
/// <param name="Width">Values of a feature.</param>
/// <param name="Type">Number format of states, keys and values.</param>
/// <param name="Columns">Logits of a row, padding included.</param>
/// <param name="Layers">Heads of keys and their width in each of the decoder's blocks.</param>
internal sealed record ChatShapes(
    int Patches, int RowBytes, int TokensPerFrame, int Width, TensorElementType Type, int Columns, IReadOnlyList<(int Heads, int Size)> Layers)
{
    /// <summary>Bytes of a number.</summary>
    public long Size => OnnxSession.SizeOf(Type);

    /// <summary>Bytes of a frame's features.</summary>
    public long FrameBytes => Size * TokensPerFrame * Width;

    /// <summary>Reads them off loaded graphs.</summary>
    /// <exception cref="InvalidDataException">The graphs are not of the layout, or don't fit each other.</exception>
    public static ChatShapes Of(CudaSession vision, CudaSession prompt, CudaSession step)
    {
        if (!vision.Inputs.TryGetValue(VisionTower.Pixels, out var pixels) || !vision.Outputs.TryGetValue(ChatNames.Features, out var features)
            || !prompt.Inputs.TryGetValue(ChatNames.Features, out var taken) || !step.Outputs.TryGetValue(CaptionerNames.Logits, out var logits))
            throw new InvalidDataException("the graphs are not an image tower, a decoder of prompts and a step for a GPU");
        if (features.Dimensions[2] != taken.Dimensions[1])
            throw new InvalidDataException($"the image tower gives features of {features.Dimensions[2]} values, a token has {taken.Dimensions[1]}");
        var layers = new List<(int, int)>();
        while (step.Inputs.TryGetValue(CaptionerNames.PastKey(layers.Count), out var past))
            layers.Add((past.Dimensions[1], past.Dimensions[3]));
        return new ChatShapes(
            pixels.Dimensions[1], pixels.Dimensions[2], features.Dimensions[1], features.Dimensions[2], logits.ElementDataType, logits.Dimensions[1], layers);
    }

    /// <summary>Bytes of a row's keys, or values, of a block.</summary>
    public long CacheRow(int layer, int capacity) => Size * Layers[layer].Heads * capacity * Layers[layer].Size;
}
