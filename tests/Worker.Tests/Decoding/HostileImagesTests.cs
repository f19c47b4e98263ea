using System.Buffers.Binary;
using System.Text;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Failures;

namespace VlWorker.Worker.Tests.Decoding;

public sealed class HostileImagesTests : IDisposable
{
    private readonly ImageDecoder _decoder = new(new DecodingOptions { Decoders = 2 });

    public static TheoryData<string> OneOfEachFormat =>
        ["jpg-0.jpg", "jpg-2-progressive.jpg", "jpg-cmyk.jpg", "png-kind2-8bit-33x21.png", "png-kind6-16bit-interlaced-33x21.png",
            "png-kind3-4bit-33x21.png", "webp-lossy.webp", "webp-lossless-alpha.webp", "webp-animated.webp", "gif-plain.gif", "gif-full-table.gif",
            "bmp-rgb.bmp", "bmp-rle8.bmp", "exif6.jpg", "exif6.png"];

    [Theory]
    [InlineData(new byte[0], RejectionReason.Empty)]
    [InlineData(new byte[] { 0xFF }, RejectionReason.UnsupportedFormat)]
    [InlineData(new byte[] { 0xFF, 0xD8, 0xFF }, RejectionReason.Corrupt)]
    [InlineData(new byte[] { 0x42, 0x4D, 0, 0 }, RejectionReason.UnsupportedFormat)]
    [InlineData(new byte[] { 0, 0, 1, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0 }, RejectionReason.UnsupportedFormat)] // ICO, which Skia would read
    [InlineData(new byte[] { 0, 0, 16, 16, 255, 255, 255, 255 }, RejectionReason.UnsupportedFormat)] // WBMP, likewise
    [InlineData(new byte[] { 0x49, 0x49, 0x2A, 0, 8, 0, 0, 0 }, RejectionReason.UnsupportedFormat)] // TIFF and raw photographs
    public async Task Bytes_that_are_no_image_are_rejected(byte[] bytes, string reason) => await RejectedAsync(bytes, reason);

    [Fact]
    public async Task Text_named_jpg_is_no_image()
    {
        var rejected = await RejectedAsync(Encoding.UTF8.GetBytes("This is not a picture.\n"), RejectionReason.UnsupportedFormat);
        Assert.Contains("54686973", rejected.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_png_whose_compression_asks_for_a_dictionary_is_corrupt() => await RejectedAsync(
        Convert.FromBase64String(
            "iVBORw0KGgoAAAANSUhEUgAAACEAAAAVCAAAAAGaY+ieAAAAAnRSTlMAAQGU/a4AAAAlSURBVHg/JAwhJ1ksKBeJrP0RwwKbIQNXLbJRoI3wAA"
            + "AAJUlEQVScFq4sUMSoqWHvObyHe+85557vO9+5aNFY3Sn0KgIAAAADNDLCBFwf"),
        RejectionReason.Corrupt);

    [Fact]
    public async Task A_header_of_4_gigapixels_in_5_KB_takes_no_memory()
    {
        var bytes = Grown(GoldenPixels.Formats["jpg-0.jpg"], 5000);
        var frame = bytes.AsSpan().IndexOf(new byte[] { 0xFF, 0xC0 });
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(frame + 5), 64250);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(frame + 7), 64250);
        var rejected = await RejectedAsync(bytes, RejectionReason.TooManyPixels);
        Assert.Contains("64250 x 64250", rejected.Message, StringComparison.Ordinal);
        Assert.Equal(0, _decoder.PixelBudget.Used);
    }

    [Fact]
    public async Task A_png_of_1_by_500_million_is_refused_by_its_header()
    {
        var bytes = GoldenPixels.Formats["png-kind2-8bit-33x21.png"].ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), 1);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(20), 500_000_000);
        await RejectedAsync(bytes, RejectionReason.TooManyPixels);
    }

    [Theory]
    [InlineData(60_000, 100, RejectionReason.TooManyPixels)] // a side above 50,000
    [InlineData(40_200, 200, RejectionReason.ExtremeAspectRatio)] // 201 : 1
    public async Task Long_and_narrow_headers_are_refused(int width, int height, string reason)
    {
        var bytes = GoldenPixels.Formats["bmp-rgb.bmp"].ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(22), height);
        await RejectedAsync(bytes, reason);
    }

    [Theory]
    [MemberData(nameof(OneOfEachFormat))]
    public async Task An_image_cut_short_is_rejected_wherever_it_is_cut(string name)
    {
        // Only the first frame of an animation is read: a cut behind it does no harm.
        var whole = GoldenPixels.Formats[name == "webp-animated.webp" ? "webp-alpha.webp" : name];
        foreach (var part in new[] { 0.1, 0.3, 0.5, 0.7, 0.85, 0.93 })
        {
            var rejected = await Assert.ThrowsAsync<RejectedException>(() => DecodeAsync(whole.AsMemory(0, (int)(whole.Length * part))));
            Assert.Contains(rejected.Reason, new[] { RejectionReason.Corrupt, RejectionReason.UnsupportedFormat });
        }
    }

    [Fact]
    public async Task A_photograph_without_its_end_is_rejected_not_half_decoded()
    {
        var photo = GoldenPixels.Image("000000229358.jpg");
        foreach (var cut in new[] { photo.Length / 2, photo.Length - 2000, photo.Length - 200 })
            await RejectedAsync(photo[..cut], RejectionReason.Corrupt);
    }

    [Fact]
    public async Task A_broken_checksum_is_noticed()
    {
        var bytes = GoldenPixels.Formats["png-kind6-8bit-3x2.png"].ToArray();

        // The last four bytes of IDAT's content are the checksum of all pixels: IEND takes 12 bytes, IDAT's own checksum 4.
        bytes[^17] ^= 0x55;
        await RejectedAsync(bytes, RejectionReason.Corrupt);
    }

    [Fact]
    public async Task A_progressive_jpeg_of_thousands_of_scans_is_refused()
    {
        var image = GoldenPixels.Formats["jpg-0-progressive.jpg"];
        var scan = image.AsSpan().IndexOf(new byte[] { 0xFF, 0xDA });
        var header = image.AsSpan(scan, 2 + BinaryPrimitives.ReadUInt16BigEndian(image.AsSpan(scan + 2))).ToArray();
        var bytes = image.SkipLast(2).Concat(Enumerable.Repeat(header, 5000).SelectMany(part => part)).Concat(image.TakeLast(2)).ToArray();
        var rejected = await RejectedAsync(bytes, RejectionReason.Corrupt);
        Assert.Contains("scans", rejected.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(OneOfEachFormat))]
    public async Task Damaged_images_are_decoded_or_rejected_and_nothing_else(string name)
    {
        // The seed is fixed: a failure must come again.
        var random = new Random(name.Length * 7919);
        for (var round = 0; round < 150; round++)
        {
            var bytes = Damaged(GoldenPixels.Formats[name], random);
            try
            {
                await DecodeAsync(bytes);
            }
            catch (RejectedException e)
            {
                Assert.Contains(e.Reason, RejectionReason.All);
                Assert.NotEmpty(e.Message);
            }
        }

        Assert.Equal(0, _decoder.PixelBudget.Used);
    }

    public void Dispose() => _decoder.Dispose();

    private static byte[] Damaged(byte[] image, Random random)
    {
        var bytes = image.ToArray();
        for (var change = random.Next(1, 6); change > 0; change--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    random.NextBytes(bytes.AsSpan(at, Math.Min(random.Next(1, 20), bytes.Length - at)));
                    break;
                default:
                    bytes = [.. bytes.Take(at), .. bytes.Skip(Math.Min(bytes.Length, at + random.Next(1, 9)))];
                    if (bytes.Length == 0)
                        return [0];
                    break;
            }
        }

        return bytes;
    }

    private static byte[] Grown(byte[] bytes, int length)
    {
        var grown = new byte[length];
        bytes.CopyTo(grown, 0);
        return grown;
    }

    private async Task<RejectedException> RejectedAsync(byte[] bytes, string reason)
    {
        var rejected = await Assert.ThrowsAsync<RejectedException>(() => DecodeAsync(bytes));
        Assert.Equal(reason, rejected.Reason);
        return rejected;
    }

    private async Task DecodeAsync(ReadOnlyMemory<byte> bytes) => await GoldenPixels.DecodeAsync(_decoder, bytes, GoldenPixels.Vit, GoldenPixels.Clip);
}
