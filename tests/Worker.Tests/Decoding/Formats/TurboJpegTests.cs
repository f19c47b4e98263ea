using VlWorker.Decoding;
using VlWorker.Decoding.Formats;
using VlWorker.Decoding.Headers;

namespace VlWorker.Worker.Tests.Decoding.Formats;

/// <summary>The system's libturbojpeg, which test.sh installs (Debian: libturbojpeg0).</summary>
public sealed unsafe class TurboJpegTests
{
    [Theory]
    [InlineData("000000229358.jpg")]
    [InlineData("000000377575.jpg")]
    [InlineData("exif6.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("wide.jpg")]
    public void It_gives_the_bytes_that_Skia_gives(string name)
    {
        var bytes = GoldenPixels.Image(name);
        var byTurbo = Read(bytes, turbo: true);
        Assert.True(TurboJpeg.IsAvailable, "libturbojpeg is not installed; test.sh installs it");
        Assert.True(TryRead(bytes), "it was left to Skia");
        Assert.Equal(Read(bytes, turbo: false), byTurbo);
    }

    [Fact]
    public void Four_colours_and_damage_are_left_to_Skia()
    {
        var photo = GoldenPixels.Image("000000229358.jpg");
        Assert.False(TryRead(GoldenPixels.Image("cmyk.jpg")));
        Assert.False(TryRead(photo[..(photo.Length / 2)]));
        Assert.False(TryRead(photo, ImageHeader.Read(photo) with { Width = 8 }));
    }

    [Fact]
    public void Whole_frames_of_all_decoders_take_half_of_the_budget_at_most()
    {
        var header = ImageHeader.Read(GoldenPixels.Image("000000229358.jpg"));
        var plans = new[] { GoldenPixels.Vit };
        Assert.Equal(TurboJpeg.FrameBytes(header), DecodingCost.Of(header, plans, true).Working - DecodingCost.Of(header, plans).Working);
        using var roomy = new ImageDecoder(new DecodingOptions { Decoders = 2, PixelBudgetBytes = 4 * TurboJpeg.FrameBytes(header) });
        using var narrow = new ImageDecoder(new DecodingOptions { Decoders = 2, PixelBudgetBytes = (4 * TurboJpeg.FrameBytes(header)) - 4 });
        using var off = new ImageDecoder(new DecodingOptions { TurboJpeg = false });
        Assert.Equal((true, false, false), (roomy.SuitsTurboJpeg(header), narrow.SuitsTurboJpeg(header), off.SuitsTurboJpeg(header)));
    }

    private static bool TryRead(byte[] bytes, ImageHeader? header = null)
    {
        using var scratch = new DecoderScratch();
        var rows = 0;
        var read = TurboJpeg.TryRead(bytes, header ?? ImageHeader.Read(bytes), scratch, (_, _, count) => rows += count);
        Assert.Equal(read ? ImageHeader.Read(bytes).Height : 0, rows);
        return read;
    }

    private static byte[] Read(byte[] bytes, bool turbo)
    {
        var header = ImageHeader.Read(bytes);
        using var scratch = new DecoderScratch();
        var rgb = new List<byte>();
        RowReader.Read(bytes, header, turbo, scratch, Take, CancellationToken.None);
        return [.. rgb];

        void Take(byte* rows, nint stride, int count)
        {
            for (var row = 0; row < count; row++)
            {
                for (var x = 0; x < header.Width; x++)
                    rgb.AddRange(new ReadOnlySpan<byte>(rows + (row * stride) + (x * 4), 3));
            }
        }
    }
}
