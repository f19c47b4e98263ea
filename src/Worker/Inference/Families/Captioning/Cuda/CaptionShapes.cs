using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>The sizes in a decoder's graphs for CUDA.</summary>
/// <param name="Type">Number format of states, keys and values.</param>
/// <param name="Columns">Logits of a row, padding included.</param>
/// <param name="Layers">The decoder's blocks.</param>
/// <param name="Ngrams">Length of the n-grams that a step keeps from repeating; 0 where it does not.</param>
internal sealed record CaptionShapes(TensorElementType Type, int Columns, IReadOnlyList<CaptionLayer> Layers, int Ngrams)
{
    /// <summary>Bytes of a number.</summary>
    public long Size => OnnxSession.SizeOf(Type);

    /// <summary>Reads them off a loaded step.</summary>
    /// <exception cref="InvalidDataException">The graph is not of the layout.</exception>
    public static CaptionShapes Of(CudaSession step)
    {
        var layers = new List<CaptionLayer>();
        while (step.Inputs.TryGetValue(CaptionerNames.PastKey(layers.Count), out var past))
        {
            var cross = step.Inputs[CaptionerNames.CrossKey(layers.Count)].Dimensions;
            layers.Add(new CaptionLayer(past.Dimensions[1], past.Dimensions[3], cross[2]));
        }

        if (layers.Count == 0 || !step.Outputs.TryGetValue(CaptionerNames.Logits, out var logits))
            throw new InvalidDataException($"the decoder has no {CaptionerNames.PastKey(0)} or gives no {CaptionerNames.Logits}");
        return new CaptionShapes(logits.ElementDataType, logits.Dimensions[1], layers, CaptionerNames.NgramSize(step.Inputs.Keys));
    }

    /// <summary>Takes memory for the images' keys and values, each block's in turn, [images, positions, width]. The caller owns it.</summary>
    /// <exception cref="Failures.OutOfDeviceMemoryException">There is no room for it.</exception>
    public IReadOnlyList<DeviceBuffer> TakeCross(int images, int positions)
    {
        var taken = new List<DeviceBuffer>();
        try
        {
            foreach (var layer in Layers)
            {
                taken.Add(new DeviceBuffer(Size * images * positions * layer.CrossWidth));
                taken.Add(new DeviceBuffer(Size * images * positions * layer.CrossWidth));
            }

            return taken;
        }
        catch
        {
            taken.ForEach(buffer => buffer.Dispose());
            throw;
        }
    }

    /// <summary>Lets an encoder write keys and values of some of a batch's images.</summary>
    public void BindCross(CudaBinding binding, IReadOnlyList<DeviceBuffer> cross, int first, int count, int positions)
    {
        for (var i = 0; i < Layers.Count; i++)
        {
            var width = Layers[i].CrossWidth;
            var offset = (nint)(Size * first * positions * width);
            binding.Output(CaptionerNames.CrossKey(i), cross[2 * i].Pointer + offset, Type, count, positions, width);
            binding.Output(CaptionerNames.CrossValue(i), cross[(2 * i) + 1].Pointer + offset, Type, count, positions, width);
        }
    }
}

/// <summary>A block of the decoder.</summary>
/// <param name="Heads">Heads of its self attention.</param>
/// <param name="HeadSize">Their width.</param>
/// <param name="CrossWidth">Width of a position's keys of the image.</param>
internal sealed record CaptionLayer(int Heads, int HeadSize, int CrossWidth);
