using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Captioning.Cuda;

/// <summary>The sizes in a decoder's graphs for CUDA.</summary>
/// <param name="Type">Number format of states, keys and values.</param>
/// <param name="Columns">Logits of a row, padding included.</param>
/// <param name="Layers">The decoder's blocks.</param>
/// <param name="Cross">What the decoder looks at, [images, positions, width] each: the encoder's states, or keys and values of each block.</param>
/// <param name="Ngrams">Length of the n-grams that a step keeps from repeating; 0 where it does not.</param>
internal sealed record CaptionShapes(TensorElementType Type, int Columns, IReadOnlyList<CaptionLayer> Layers, IReadOnlyList<CrossInput> Cross, int Ngrams)
{
    /// <summary>Bytes of a number.</summary>
    public long Size => OnnxSession.SizeOf(Type);

    /// <summary>Reads them off a loaded step.</summary>
    /// <exception cref="InvalidDataException">The graph is not of the layout.</exception>
    public static CaptionShapes Of(CudaSession step)
    {
        var layers = new List<CaptionLayer>();
        while (step.Inputs.TryGetValue(CaptionerNames.PastKey(layers.Count), out var past))
            layers.Add(new CaptionLayer(past.Dimensions[1], past.Dimensions[3]));
        if (layers.Count == 0 || !step.Outputs.TryGetValue(CaptionerNames.Logits, out var logits))
            throw new InvalidDataException($"the decoder has no {CaptionerNames.PastKey(0)} or gives no {CaptionerNames.Logits}");
        string[] cross = step.Inputs.ContainsKey(CaptionerNames.States) ? [CaptionerNames.States]
            : [.. Enumerable.Range(0, layers.Count).SelectMany(static layer => (string[])[CaptionerNames.CrossKey(layer), CaptionerNames.CrossValue(layer)])];
        return new CaptionShapes(
            logits.ElementDataType, logits.Dimensions[1], layers, [.. cross.Select(name => new CrossInput(name, step.Inputs[name].Dimensions[2]))],
            CaptionerNames.NgramSize(step.Inputs.Keys));
    }

    /// <summary>Takes memory for what the decoder looks at. The caller owns it.</summary>
    /// <exception cref="Failures.OutOfDeviceMemoryException">There is no room for it.</exception>
    public IReadOnlyList<DeviceBuffer> TakeCross(int images, int positions)
    {
        var taken = new List<DeviceBuffer>();
        try
        {
            foreach (var input in Cross)
                taken.Add(new DeviceBuffer(Size * images * positions * input.Width));
            return taken;
        }
        catch
        {
            taken.ForEach(buffer => buffer.Dispose());
            throw;
        }
    }

    /// <summary>Lets an encoder write it for some of a batch's images.</summary>
    public void BindCross(CudaBinding binding, IReadOnlyList<DeviceBuffer> cross, int first, int count, int positions)
    {
        foreach (var (input, buffer) in Cross.Zip(cross))
            binding.Output(input.Name, buffer.Pointer + (nint)(Size * first * positions * input.Width), Type, count, positions, input.Width);
    }

    /// <summary>Lets a step read it.</summary>
    public void BindCrossInputs(CudaBinding binding, IReadOnlyList<DeviceBuffer> cross, int images, int positions)
    {
        foreach (var (input, buffer) in Cross.Zip(cross))
            binding.Input(input.Name, buffer.Pointer, Type, images, positions, input.Width);
    }
}

/// <summary>A block of the decoder.</summary>
/// <param name="Heads">Heads of its self attention.</param>
/// <param name="HeadSize">Their width.</param>
internal sealed record CaptionLayer(int Heads, int HeadSize);

/// <summary>Something of the image that a step reads.</summary>
/// <param name="Name">Of the graphs' output and input.</param>
/// <param name="Width">Values of a position.</param>
internal sealed record CrossInput(string Name, int Width);
