using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Inference.Cuda;
using VlWorker.Inference.Engine;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Families.Embedders.Cuda;

/// <summary>From token ids to the text tower's embeddings, kernel by kernel: lengths differ, and nobody waits for thousands of texts. One lane's.</summary>
/// <param name="session">The tower; stays the lane's.</param>
/// <param name="stream">The lane's.</param>
/// <param name="padding">How texts are padded; null where any length will do.</param>
internal sealed class TextStage(CudaSession session, CudaStream stream, TextPadding? padding)
{
    /// <summary>Floats of a text's embedding.</summary>
    public int Size { get; } = session.Outputs[EmbedderNames.TextEmbeddings].Dimensions[1];

    /// <summary>Encodes texts; see <see cref="IEmbeddingEngine.EncodeTexts"/>.</summary>
    public void Encode(int[][] texts, ReceiveEmbeddings receive)
    {
        var length = texts.Max(text => Math.Max(text.Length, padding?.Length ?? 0));
        var ends = (nint)((long)texts.Length * length * sizeof(long));
        using var host = new PinnedBuffer(ends + ((long)texts.Length * sizeof(long)));
        using var ids = new DeviceBuffer(host.Bytes);
        using var output = new PinnedBuffer((long)texts.Length * Size * sizeof(float));
        using var results = new DeviceBuffer(output.Bytes);
        for (var row = 0; row < texts.Length; row++)
        {
            Write(texts[row], padding, host.Span<long>((long)row * length * sizeof(long), length));
            host.Span<long>(ends + ((long)row * sizeof(long)), 1)[0] = Array.IndexOf(texts[row], texts[row].Max());
        }

        using var binding = session.Bind();
        binding.Input(EmbedderNames.Ids, ids.Pointer, TensorElementType.Int64, texts.Length, length);
        if (session.Inputs.ContainsKey(EmbedderNames.Ends))
            binding.Input(EmbedderNames.Ends, ids.Pointer + ends, TensorElementType.Int64, texts.Length, 1);
        binding.Output(EmbedderNames.TextEmbeddings, results.Pointer, TensorElementType.Float, texts.Length, Size);
        try
        {
            stream.CopyToDevice(ids.Pointer, host.Pointer, host.Bytes);
            binding.Queue();
            stream.CopyToHost(output.Pointer, results.Pointer, output.Bytes);
        }
        finally
        {
            stream.Synchronize();
        }

        receive(output.Span<float>(0, texts.Length * Size), Size);
    }

    /// <summary>
    /// Writes a text and what pads it: where the model has no padding of its own, the last token again, which comes after the end token and is hidden
    /// from it. The end token has the highest id, and the first one counts.
    /// </summary>
    public static void Write(int[] text, TextPadding? padding, Span<long> target)
    {
        for (var i = 0; i < target.Length; i++)
            target[i] = i < text.Length ? text[i] : padding?.Token ?? text[^1];
    }
}
