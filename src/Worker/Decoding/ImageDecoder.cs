using VlWorker.Buffers;
using VlWorker.Contracts;
using VlWorker.Decoding.Formats;
using VlWorker.Decoding.Headers;
using VlWorker.Decoding.Resampling;
using VlWorker.Failures;
using VlWorker.Journal;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Decoding;

/// <summary>
/// Encoded bytes to pixels at the models' input sizes, as transformers' Pillow-based processors prepare them: first frame, upright by
/// EXIF, 8-bit RGB without the alpha channel, antialiased resize and centre crop. Bit for bit.
/// <code>
/// header -> limits -> decoder slot -> memory budget -> a decoder thread: bands of rows -> one resampler a plan -> tiles -> prepared pixels
/// </code>
/// </summary>
internal sealed class ImageDecoder : IDisposable
{
    private readonly DecodingOptions _options;
    private readonly DecoderSlots _slots;
    private readonly DecoderThreads _threads;

    public ImageDecoder(DecodingOptions options)
    {
        _options = options;
        Decoders = options.Decoders > 0 ? options.Decoders : Environment.ProcessorCount;
        _slots = new DecoderSlots(Decoders);
        _threads = new DecoderThreads(Decoders);
        PixelBudget = new MemoryBudget(options.PixelBudgetBytes);
    }

    /// <summary>Images decoded at the same time.</summary>
    public int Decoders { get; }

    /// <summary>What working memory and prepared pixels are charged to.</summary>
    public MemoryBudget PixelBudget { get; }

    /// <summary>Decodes an image once and prepares it for each plan. The caller owns each <see cref="PreparedPixels"/>.</summary>
    /// <param name="encoded">The image's bytes; they must stay until the task has ended, however it ends.</param>
    /// <param name="plans">One or more; equal plans share the work, each gets its own pixels.</param>
    /// <param name="cancellation">Ends the wait for a turn, and the decoding at the next band.</param>
    /// <param name="mark">Whose image it is, for the crash journal.</param>
    /// <param name="urgent">Whether somebody waits for it: it then goes before those of whom that can't be said.</param>
    /// <exception cref="RejectedException">The image is at fault: empty, unsupported-format, too-many-pixels, extreme-aspect-ratio, corrupt.</exception>
    public async Task<DecodedImage> DecodeAsync(
        ReadOnlyMemory<byte> encoded, IReadOnlyList<ResizePlan> plans, CancellationToken cancellation, WorkMark? mark = null, bool urgent = false)
    {
        var header = ImageHeader.Read(encoded.Span);
        header.Check(_options);

        // Slot before memory: who waits for memory holds nothing that would have to be given back first.
        await _slots.AcquireAsync(urgent, cancellation).ConfigureAwait(false);
        try
        {
            var turbo = SuitsTurboJpeg(header);
            var cost = DecodingCost.Of(header, plans, turbo);
            using var lease = await PixelBudget.AcquireAsync(cost.Working + cost.Prepared, cancellation).ConfigureAwait(false);
            return await _threads.Run(scratch =>
            {
                using var work = NativeWork.Begin(mark is null ? [] : [mark], WorkStage.Decoding);
                return Decode(encoded, header, turbo, plans, lease, scratch, cancellation);
            }).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Whole frames cost memory: all decoders' together may take half of the budget.</summary>
    internal bool SuitsTurboJpeg(ImageHeader header) => header.Format == ImageFormat.Jpeg && _options.TurboJpeg && TurboJpeg.IsAvailable
        && TurboJpeg.FrameBytes(header) <= _options.PixelBudgetBytes / (2 * Decoders);

    /// <summary>Waits for the decoding that was begun, and ends the threads.</summary>
    public void Dispose() => _threads.Dispose();

    private static unsafe DecodedImage Decode(
        ReadOnlyMemory<byte> encoded, ImageHeader header, bool turbo, IReadOnlyList<ResizePlan> plans, MemoryBudget.Lease lease,
        DecoderScratch scratch, CancellationToken cancellation)
    {
        var prepared = new List<PreparedPixels>(plans.Count);
        try
        {
            using var fan = new ResamplerFan(header, plans, scratch);
            RowReader.Read(encoded, header, turbo, scratch, fan.Sink, cancellation);
            foreach (var (layout, pixels) in fan.Finish())
            {
                prepared.Add(new PreparedPixels(
                    layout.Width, layout.Height, pixels, lease.Split(pixels.Length), layout.TileRows, layout.TileColumns));
            }

            return new DecodedImage(header.Upright.Width, header.Upright.Height, header.FormatName, prepared);
        }
        catch
        {
            foreach (var pixels in prepared)
                pixels.Dispose();
            throw;
        }
    }
}
