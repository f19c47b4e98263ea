using Microsoft.ML.OnnxRuntime.Tensors;
using VlWorker.Decoding;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Families.Cuda;

namespace VlWorker.Inference.Cuda;

/// <summary>Images with any number of patches, padded to the most that one may have.</summary>
internal sealed class PaddedPatchInput : IPatchInput
{
    private const long MaskBytes = PaddedPatchWriter.MaskNumbers * sizeof(int);

    private readonly PaddedPatchWriter _writer;
    private readonly UploadBuffer _pixels;
    private readonly UploadBuffer _rowWeights;
    private readonly UploadBuffer _columnWeights;
    private readonly UploadBuffer _masks;
    private readonly int[] _counts;
    private readonly bool _fused;
    private readonly Stack<IDisposable> _parts = new();

    /// <summary>Takes memory.</summary>
    /// <param name="session">The image tower.</param>
    /// <param name="grid">How many patches an image has.</param>
    /// <param name="maxBatch">Images at most.</param>
    /// <exception cref="InvalidDataException">The tower takes other images.</exception>
    public PaddedPatchInput(CudaSession session, PatchGrid grid, int maxBatch)
    {
        if (!session.Inputs.TryGetValue(PaddedPatches.RowWeights, out var rows)
            || !session.Inputs.TryGetValue(PaddedPatches.ColumnWeights, out var columns))
            throw new InvalidDataException("the image tower takes no images with any number of patches");
        _writer = new PaddedPatchWriter(grid, rows.Dimensions[2], columns.Dimensions[2]);
        if (session.Inputs[VisionTower.Pixels].Dimensions[2] is var bytes && bytes != _writer.PatchBytes)
            throw new InvalidDataException($"patches of {grid.PatchSize} pixels have not the {bytes} bytes that the image tower takes");
        _fused = session.Inputs.ContainsKey(PaddedPatches.FusedMask);
        // Until there are images, none is without patches.
        _counts = [.. Enumerable.Repeat(_writer.Patches, maxBatch)];
        try
        {
            _pixels = Own(new UploadBuffer(maxBatch * PixelBytes));
            _rowWeights = Own(new UploadBuffer(maxBatch * RowBytes));
            _columnWeights = Own(new UploadBuffer(maxBatch * ColumnBytes));
            _masks = Own(new UploadBuffer(maxBatch * MaskBytes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private long PixelBytes => (long)_writer.Patches * _writer.PatchBytes;

    private long RowBytes => (long)_writer.Patches * _writer.Rows * sizeof(float);

    private long ColumnBytes => (long)_writer.Patches * _writer.Columns * sizeof(float);

    /// <inheritdoc/>
    public void Write(PreparedPixels[] images) => SignedPatchWriter.ForEach(images.Length, i => _counts[i] = _writer.Write(
        images[i],
        _pixels.Span<byte>(i * PixelBytes, (int)PixelBytes),
        _rowWeights.Span<float>(i * RowBytes, _writer.Patches * _writer.Rows),
        _columnWeights.Span<float>(i * ColumnBytes, _writer.Patches * _writer.Columns)));

    /// <inheritdoc/>
    public void Upload(CudaStream stream, int size, int chunk)
    {
        for (var first = 0; first < size; first += chunk)
        {
            var count = Math.Min(chunk, size - first);
            _writer.WriteMask(_counts.AsSpan(first, count), _fused, _masks.Span<int>(first * MaskBytes, count * PaddedPatchWriter.MaskNumbers));
        }

        _pixels.Upload(stream, size * PixelBytes);
        _rowWeights.Upload(stream, size * RowBytes);
        _columnWeights.Upload(stream, size * ColumnBytes);
        _masks.Upload(stream, size * MaskBytes);
    }

    /// <inheritdoc/>
    public void Bind(CudaBinding binding, int first, int count)
    {
        void Input(string name, nint at, TensorElementType type, int width) => binding.Input(name, at, type, count, _writer.Patches, width);
        Input(VisionTower.Pixels, _pixels.At(first * PixelBytes), TensorElementType.Int8, _writer.PatchBytes);
        Input(PaddedPatches.RowWeights, _rowWeights.At(first * RowBytes), TensorElementType.Float, _writer.Rows);
        Input(PaddedPatches.ColumnWeights, _columnWeights.At(first * ColumnBytes), TensorElementType.Float, _writer.Columns);
        var (mask, numbers) = _fused ? (PaddedPatches.FusedMask, (3 * count) + 2) : (PaddedPatches.Counts, count);
        binding.Input(mask, _masks.At(first * MaskBytes), TensorElementType.Int32, numbers);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_parts.TryPop(out var part))
            part.Dispose();
    }

    private UploadBuffer Own(UploadBuffer part)
    {
        _parts.Push(part);
        return part;
    }
}
