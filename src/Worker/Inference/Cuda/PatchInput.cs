using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda;

/// <summary>Images of one size.</summary>
internal sealed class PatchInput : IPatchInput
{
    private readonly SignedPatchWriter _writer;
    private readonly UploadBuffer _pixels;

    /// <summary>Takes memory.</summary>
    /// <param name="session">The image tower.</param>
    /// <param name="images">How images are resized.</param>
    /// <param name="maxBatch">Images at most.</param>
    /// <exception cref="InvalidDataException">The tower takes other images.</exception>
    public PatchInput(CudaSession session, ResizePlan images, int maxBatch)
    {
        if (!session.Inputs.TryGetValue(VisionTower.Pixels, out var pixels) || pixels.ElementDataType != TensorElementType.Int8)
            throw new InvalidDataException($"the encoder takes no {VisionTower.Pixels} of int8");
        _writer = SignedPatchWriter.For(images, pixels.Dimensions[1], pixels.Dimensions[2]);
        _pixels = new UploadBuffer((long)maxBatch * _writer.ImageBytes);
    }

    /// <summary>Positions of an image.</summary>
    public int Positions => _writer.Rows;

    /// <inheritdoc/>
    public void Write(PreparedPixels[] images) =>
        SignedPatchWriter.ForEach(images.Length, i => _writer.Write(images[i], _pixels.Span<byte>((long)i * _writer.ImageBytes, _writer.ImageBytes)));

    /// <inheritdoc/>
    public void Upload(CudaStream stream, int size, int chunk) => _pixels.Upload(stream, (long)size * _writer.ImageBytes);

    /// <inheritdoc/>
    public void Bind(CudaBinding binding, int first, int count) => binding.Input(
        VisionTower.Pixels, _pixels.At((long)first * _writer.ImageBytes), TensorElementType.Int8, count, _writer.Rows, _writer.RowBytes);

    /// <inheritdoc/>
    public void Dispose() => _pixels.Dispose();
}
