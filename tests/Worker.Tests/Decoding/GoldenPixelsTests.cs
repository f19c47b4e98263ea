using System.Text.Json;
using VlWorker.Decoding;
using VlWorker.Decoding.Headers;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Worker.Tests.Decoding;

public sealed class GoldenPixelsTests : IDisposable
{
    private readonly ImageDecoder _decoder = new(new DecodingOptions { Decoders = 2 });
    private readonly ImageDecoder _skiaAlone = new(new DecodingOptions { Decoders = 2, TurboJpeg = false });

    public static TheoryData<string, bool> Images => Both(GoldenPixels.Json("images.json"));

    public static TheoryData<string, bool> Formats => Both(GoldenPixels.Json("pillow.json").GetProperty("formats"));

    [Theory]
    [MemberData(nameof(Images))]
    public async Task Images_come_out_as_transformers_prepares_them(string name, bool turboJpeg)
    {
        var golden = GoldenPixels.Json("images.json").GetProperty(name);
        var (width, height) = Size(golden);
        var (image, pixels) = await GoldenPixels.DecodeAsync(
            Decoder(turboJpeg), GoldenPixels.Image(name), GoldenPixels.Whole(width, height), GoldenPixels.Vit, GoldenPixels.Clip);
        Assert.Equal((width, height), (image.Width, image.Height));
        Assert.Equal(golden.GetProperty("rgb").GetString(), GoldenPixels.Hash(pixels[0]));
        Assert.Equal(golden.GetProperty("vit").GetString(), GoldenPixels.Hash(pixels[1]));
        Assert.Equal(golden.GetProperty("clip").GetString(), GoldenPixels.Hash(pixels[2]));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Every_kind_of_image_comes_out_as_Pillow_reads_it(string name, bool turboJpeg)
    {
        var golden = GoldenPixels.Json("pillow.json").GetProperty("formats").GetProperty(name);
        var (width, height) = Size(golden);
        var (image, pixels) = await GoldenPixels.DecodeAsync(
            Decoder(turboJpeg),
            GoldenPixels.Formats[name],
            GoldenPixels.Whole(width, height),
            new ResizePlan(48, 48, null, null, null, 2),
            new ResizePlan(0, 0, 56, 56, 56, 3));
        Assert.Equal((width, height), (image.Width, image.Height));
        Assert.Equal(golden.GetProperty("rgb").GetString(), GoldenPixels.Hash(pixels[0]));
        Assert.Equal(golden.GetProperty("squash48").GetString(), GoldenPixels.Hash(pixels[1]));
        Assert.Equal(golden.GetProperty("crop56").GetString(), GoldenPixels.Hash(pixels[2]));
        Assert.Equal(Path.GetExtension(name)[1..].Replace("jpg", "jpeg", StringComparison.Ordinal), image.Format);
    }

    [Fact]
    public void Orientations_are_told_from_the_header_alone()
    {
        foreach (var kind in new[] { "jpg", "png", "webp" })
        {
            for (var value = 1; value <= 8; value++)
            {
                var header = ImageHeader.Read(GoldenPixels.Formats[$"exif{value}.{kind}"]);
                Assert.Equal(Orientation.FromExif(value), header.Orientation);
                Assert.Equal((33, 21), (header.Width, header.Height));
            }
        }
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _skiaAlone.Dispose();
    }

    private ImageDecoder Decoder(bool turboJpeg) => turboJpeg ? _decoder : _skiaAlone;

    // JPEGs are decoded both by the system's libturbojpeg, where it is installed, and by Skia.
    private static TheoryData<string, bool> Both(JsonElement images)
    {
        var data = new TheoryData<string, bool>();
        foreach (var image in images.EnumerateObject())
        {
            data.Add(image.Name, true);
            if (image.Name.EndsWith(".jpg", StringComparison.Ordinal))
                data.Add(image.Name, false);
        }

        return data;
    }

    private static (int Width, int Height) Size(JsonElement golden) =>
        (golden.GetProperty("size")[0].GetInt32(), golden.GetProperty("size")[1].GetInt32());
}
