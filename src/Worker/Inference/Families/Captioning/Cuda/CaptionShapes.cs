using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>The sizes in a captioner's graphs for CUDA.</summary>
/// <param name="Positions">Rows that the encoder takes and gives for an image.</param>
/// <param name="RowBytes">Bytes of a row of pixels.</param>
/// <param name="Type">Number format of states, keys and values.</param>
/// <param name="Columns">Logits of a row, padding included.</param>
/// <param name="Layers">The decoder's blocks.</param>
internal sealed record CaptionShapes(int Positions, int RowBytes, TensorElementType Type, int Columns, IReadOnlyList<CaptionLayer> Layers)
{
    /// <summary>Bytes of a number.</summary>
    public long Size => OnnxSession.SizeOf(Type);

    /// <summary>Reads them off loaded graphs.</summary>
    /// <exception cref="InvalidDataException">The graphs are not of the layout.</exception>
    public static CaptionShapes Of(CudaSession encoder, CudaSession step)
    {
        if (!encoder.Inputs.TryGetValue(VisionTower.Pixels, out var pixels) || pixels.ElementDataType != TensorElementType.Int8)
            throw new InvalidDataException($"the encoder takes no {VisionTower.Pixels} of int8");
        var layers = new List<CaptionLayer>();
        while (step.Inputs.TryGetValue(CaptionerNames.PastKey(layers.Count), out var past))
        {
            var cross = step.Inputs[CaptionerNames.CrossKey(layers.Count)].Dimensions;
            layers.Add(new CaptionLayer(past.Dimensions[1], past.Dimensions[3], cross[2]));
        }

        if (layers.Count == 0 || !step.Outputs.TryGetValue(CaptionerNames.Logits, out var logits))
            throw new InvalidDataException($"the decoder has no {CaptionerNames.PastKey(0)} or gives no {CaptionerNames.Logits}");
        return new CaptionShapes(pixels.Dimensions[1], pixels.Dimensions[2], logits.ElementDataType, logits.Dimensions[1], layers);
    }
}

/// <summary>A block of the decoder.</summary>
/// <param name="Heads">Heads of its self attention.</param>
/// <param name="HeadSize">Their width.</param>
/// <param name="CrossWidth">Width of a position's keys of the image.</param>
internal sealed record CaptionLayer(int Heads, int HeadSize, int CrossWidth);
